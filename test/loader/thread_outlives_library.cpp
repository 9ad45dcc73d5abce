// A thread uses flux in a library that is unloaded before the thread ends: its end is still told.
//
//   thread_outlives_library LIBRARY
#include <dlfcn.h>

#include <atomic>
#include <cstdio>
#include <thread>

namespace {

using Use = int (*)();

// The end of a thread that calls into an unloaded library is a crash; 100 is what the library answers.
bool survives(void* library) {
  const auto use = reinterpret_cast<Use>(::dlsym(library, "flux_test_use"));
  std::atomic<int> answer{0};
  std::atomic<bool> is_closed{false};
  std::thread user([&] {
    answer = use();
    while (!is_closed) std::this_thread::yield();
  });
  while (answer == 0) std::this_thread::yield();
  const bool closed = ::dlclose(library) == 0;
  is_closed = true;
  user.join();
  return closed && answer == 100;
}

}  // namespace

int main(int, char** arguments) {
  void* const library = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  return survives(library) ? 0 : 1;
}
