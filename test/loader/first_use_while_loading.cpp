// One thread uses flux for the first time while another is inside the loader, which runs a static initialiser
// that uses flux as well: neither waits for the other.
//
//   first_use_while_loading LIBRARY
#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <flux/Allocator.hpp>
#include <list>
#include <thread>

#include "library.hpp"

namespace {

std::atomic<bool> is_loading{false};

void use_flux() { std::list<int, flux::Allocator<int>> numbers(100, 7); }

}  // namespace

// The pause lets the other thread come as far as the loader's lock; the test is sound without it, but misses.
extern "C" void flux_test_while_loading() {
  is_loading = true;
  ::usleep(300'000);
}

int main(int, char** arguments) {
  ::alarm(30);  // a deadlock ends by this signal
  std::thread user([] {
    while (!is_loading) std::this_thread::yield();
    use_flux();
  });
  void* const library = ::dlopen(arguments[1], RTLD_NOW);
  user.join();
  if (library == nullptr) std::fprintf(stderr, "%s\n", ::dlerror());
  return library == nullptr;
}
