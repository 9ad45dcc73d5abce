// Suspended work that goes on on another thread each time, for coroutines and fibers alike.
#pragma once

#include <barrier>
#include <cstddef>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Threads.hpp"

namespace flux::test {

/// What a migrant holds, and how often what it got or found was not as it should be.
struct Baggage {
  Objects objects;
  std::size_t faults = 0;
};

/// The heap of the calling thread, told to it when it began, not looked up.
inline thread_local const detail::ThreadHeap* known_heap = nullptr;

/// One step between two suspensions, not inlined into what suspends: frees what the last step allocated, on
/// another thread, and allocates again. Each operation must be of the thread that runs it.
[[gnu::noinline]] inline void step(Baggage& baggage, unsigned size_class, std::size_t count) {
  const detail::ThreadHeap* const here = known_heap;
  baggage.faults += detail::local_heap<>.heap() != here;
  baggage.faults += !are_marked(baggage.objects, size_class);
  deallocate_all(baggage.objects, size_class);
  baggage.objects = allocate_many(size_class, count);
  for (void* object : baggage.objects) baggage.faults += detail::ThreadHeap::owner_of(object) != here;
}

/// Calls `resume(migrant)` for each of them until that returns false, each time on another of the threads; then
/// tells how many objects the heaps have lost.
template <class Resume>
std::size_t migrate(std::size_t threads, std::size_t migrants, Resume resume) {
  FreshHeaps fresh;
  std::barrier all(static_cast<std::ptrdiff_t>(threads));
  std::vector<char> is_over(migrants, 0);
  run_threads(threads, [&](std::size_t thread) {
    detail::deallocate(detail::allocate(0), 0);
    known_heap = detail::local_heap<>.heap();
    bool any = true;
    for (std::size_t round = 0; any; ++round) {
      for (std::size_t i = 0; i != migrants; ++i) {
        if ((i + round) % threads == thread && is_over[i] == 0) is_over[i] = resume(i) ? 0 : 1;
      }
      all.arrive_and_wait();
      any = std::ranges::any_of(is_over, [](char over) { return over == 0; });
      all.arrive_and_wait();
    }
  });
  std::size_t lost = fresh.parked().size() == threads ? 0 : 1;
  for (detail::ThreadHeap* heap : fresh.parked()) {
    settle(*heap);
    lost += census_of(*heap).away() + (complaint_about(*heap).empty() ? 0 : 1);
  }
  return lost;
}

}  // namespace flux::test
