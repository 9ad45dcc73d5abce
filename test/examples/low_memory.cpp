// A program that shares its machine.
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>
#include <flux/Heap.hpp>

#include <cstddef>
#include <list>
#include <new>

int main() {
  flux::set_retention_limit(1 << 20);       // a thread keeps 1 MiB of free memory at most, for each tag
  flux::set_huge_pages_from(flux::kNever);  // in pages of 4 KiB alone

  {
    std::list<long, flux::Allocator<long>> peak(1'000'000);
  }
  const std::size_t bytes = flux::trim();   // after a peak: the rest goes back as well

  flux::Heap session(8 << 20);              // never more than 8 MiB
  std::list<long, flux::HeapAllocator<long>> events(session);
  try {
    for (;;) events.push_back(1);
  } catch (const std::bad_alloc&) {         // the list is as it was before the last call
    events.clear();
  }

  return bytes != 0 && events.empty() ? 0 : 1;
}
