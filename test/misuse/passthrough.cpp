// Every object of every face comes from the program's operator new, or, for raw memory, from malloc.
#include <cstddef>
#include <cstdlib>
#include <flux/flux.hpp>
#include <list>
#include <new>

namespace {

std::size_t asked = 0, last_bytes = 0, last_of_malloc = 0;

}  // namespace

// Linked with --wrap=malloc.
extern "C" void* __real_malloc(std::size_t bytes);
extern "C" void* __wrap_malloc(std::size_t bytes) {
  last_of_malloc = bytes;
  return __real_malloc(bytes);
}

void* operator new(std::size_t bytes) {
  ++asked;
  last_bytes = bytes;
  if (void* const p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

int main() {
  bool is_right = true;
  const auto asks = [&is_right](auto use) {
    const std::size_t before = asked;
    use();
    is_right = is_right && asked > before;
  };
  asks([] { std::list<int, flux::Allocator<int>> list(10); });
  asks([] { std::list<int, flux::BurstAllocator<int>> list(10); });
  asks([] { flux::memory_resource()->deallocate(flux::memory_resource()->allocate(40), 40); });
  asks([] { flux::memory_resource()->deallocate(flux::memory_resource()->allocate(8, 16), 8, 16); });
  is_right = is_right && last_bytes >= 16;  // or an operator may align for eight bytes only
  asks([] { flux::SlabProvider<long, "Longs">::free_raw(flux::SlabProvider<long, "Longs">::alloc_raw()); });
  asks([] {
    flux::Heap heap;
    static_cast<void>(heap.allocate(40));
  });
  asks([] {
    flux::BufferPool pool;
    static_cast<void>(pool.get(100));
  });
  flux::deallocate(flux::allocate(8));
  is_right = is_right && last_of_malloc >= alignof(std::max_align_t);
  void* const raw = flux::allocate(100);
  is_right = is_right && !flux::owns(raw);
  flux::deallocate(raw);
  flux::reserve<long>(100);
  return is_right && flux::stats().domains.empty() ? 0 : 1;
}
