// The first thread to use flux was started by a static initialiser inside the loader, which waits for it.
//
//   thread_while_loading LIBRARY
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <flux/Allocator.hpp>
#include <list>
#include <thread>

#include "library.hpp"

extern "C" void flux_test_while_loading() {
  std::thread([] { std::list<int, flux::Allocator<int>> numbers(100, 7); }).join();
}

int main(int, char** arguments) {
  ::alarm(30);  // a deadlock ends by this signal
  void* const library = ::dlopen(arguments[1], RTLD_NOW);
  if (library == nullptr) std::fprintf(stderr, "%s\n", ::dlerror());
  return library == nullptr;
}
