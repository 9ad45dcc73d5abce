// Threads use flux in several libraries that are unloaded before the threads end: the ends of all are told, and
// the libraries' objects can still be freed. The last library loaded is the first one used: libraries may share
// variables with those loaded before and yet run functions of their own, among them the one that ends a thread.
//
//   threads_outlive_libraries local|global LIBRARY...
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "load.hpp"
#include "support/Require.hpp"

namespace {

using flux::test::require;

using Objects = std::vector<void*>;

// Lives on after its library is gone. Frees `first` before it allocates, if there is one: what a thread does
// first in a library is what makes flux ask to be told of its end.
class User {
 public:
  User(const Side& side, void* first) : thread_(&User::use, this, &side, first) {
    while (!has_used_) std::this_thread::yield();
  }
  Objects end() {
    may_end_ = true;
    thread_.join();
    return objects_;
  }

 private:
  void use(const Side* side, void* first) {
    if (first != nullptr) side->deallocate(first);
    for (int i = 0; i != 1000; ++i) objects_.push_back(side->allocate());
    for (int i = 0; i != 500; ++i) {
      side->deallocate(objects_.back());
      objects_.pop_back();
    }
    has_used_ = true;
    while (!may_end_) std::this_thread::yield();
  }

  Objects objects_;
  std::atomic<bool> has_used_{false};
  std::atomic<bool> may_end_{false};
  std::thread thread_;
};

}  // namespace

int main(int count, char** arguments) {
  ::alarm(flux::test::kDeadline);
  const int flags = std::strcmp(arguments[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
  std::vector<void*> libraries;
  for (int i = 2; i != count; ++i) libraries.push_back(load(arguments[i], flags));
  std::vector<User*> users;
  for (auto library = libraries.rbegin(); library != libraries.rend(); ++library) {
    users.push_back(new User(side_of(*library), kThisSide.allocate()));
    users.push_back(new User(side_of(*library), nullptr));
  }
  for (void* library : libraries) require(::dlclose(library) == 0, "the library is closed");
  for (User* user : users) {
    for (void* object : user->end()) kThisSide.deallocate(object);
    delete user;
  }
  kThisSide.deallocate(kThisSide.allocate());
  kThisSide.trim();
  return 0;
}
