// Static containers, filled before main and by threads that have ended, are destroyed after thread-local storage
// is gone, whichever way the program ends; destructors and handlers allocate while it does.
//
//   static_destruction return|exit|exit_in_thread|last_thread|quick_exit
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "support/Require.hpp"

namespace {

using flux::test::require;

using List = std::list<long, flux::Allocator<long>>;
using Map = std::map<long, long, std::less<long>, flux::Allocator<std::pair<const long, long>>>;

constexpr int kNotDone = 3;
std::atomic<int> farewells{0};
int expected_farewells = 0;

void fill(List& list, long count = 5000) {
  for (long i = 0; i != count; ++i) list.push_back(i);
}

bool is_filled(const List& list, long count) {
  long found = 0;
  for (const long value : list) {
    if (value != found++ % 5000) return false;
  }
  return found == count;
}

void use() {
  List list;
  fill(list);
  require(is_filled(list, 5000), "objects allocated while the program ends are as good as any");
}

// The only way to success.
[[noreturn]] void succeed() {
  use();
  flux::flush();
  flux::trim();
  use();
  require(farewells == expected_farewells, "every destructor and handler had its turn");
  ::_exit(0);
}

// Constructed first, destroyed last.
struct Last {
  ~Last() { succeed(); }
} last;

// A container that says farewell with its content intact, and allocates once more.
struct Farewell {
  List list;
  ~Farewell() {
    if (list.empty()) return;
    require(is_filled(list, static_cast<long>(list.size())), "containers keep what they hold");
    list.clear();
    use();
    ++farewells;
  }
};

void handler() {
  use();
  ++farewells;
}

Farewell filled_before_main = [] {
  std::atexit(handler);
  std::at_quick_exit(succeed);  // registered first, called last
  Farewell made;
  fill(made.list);
  return made;
}();

Farewell filled_by_threads;  // 5000 nodes of each of four threads, which have ended
std::unique_ptr<Map> map_of_thread;

thread_local Farewell of_thread;

void fill_late() {
  thread_local Farewell late;  // made here and now, not with of_thread
  fill(late.list);
}

pthread_key_t key;

void fill_by_threads() {
  for (int i = 0; i != 4; ++i) {
    std::thread([] {
      List made;
      fill(made);
      filled_by_threads.list.splice(filled_by_threads.list.end(), made);
    }).join();
  }
  std::thread([] {
    map_of_thread = std::make_unique<Map>();
    for (long i = 0; i != 5000; ++i) (*map_of_thread)[i] = i;
  }).join();
}

// Goes on allocating and freeing while the program ends around it.
void go_on() {
  std::thread([] {
    for (;;) {
      List list;
      fill(list, 100);
    }
  }).detach();
}

// The thread that ends last has neither its thread-local objects nor its heap any more when it calls exit; but
// a thread-local object that a key's destructor made comes even after that.
void leave_to_last_thread() {
  pthread_key_create(&key, [](void* round) {
    use();
    ++farewells;
    if (round == &last) {
      pthread_setspecific(key, &key);  // a second round: flux has ended the thread
    } else {
      fill_late();
    }
  });
  pthread_t main_thread = pthread_self();
  std::thread([main_thread] {
    pthread_setspecific(key, &last);
    fill(of_thread.list);
    pthread_join(main_thread, nullptr);
  }).detach();
  use();
  pthread_exit(nullptr);
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(flux::test::kDeadline);
  const char* const way = arguments[1];
  std::atexit(handler);
  fill_by_threads();
  if (std::strcmp(way, "quick_exit") == 0) {
    expected_farewells = 1;
    std::at_quick_exit(handler);
    std::quick_exit(kNotDone);
  }
  if (std::strcmp(way, "last_thread") == 0) {
    expected_farewells =
        8;  // two handlers, two static lists, the last thread's own, two rounds, the late one
    leave_to_last_thread();
  }
  expected_farewells = 5;  // two handlers, two static lists, the ending thread's own
  if (std::strcmp(way, "exit_in_thread") == 0) {
    go_on();
    std::thread([] {
      fill(of_thread.list);
      std::exit(kNotDone);
    }).join();
  }
  fill(of_thread.list);
  if (std::strcmp(way, "exit") == 0) {
    go_on();
    std::exit(kNotDone);
  }
  return kNotDone;
}
