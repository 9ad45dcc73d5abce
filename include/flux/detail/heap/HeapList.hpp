#pragma once

#include <atomic>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>

namespace flux::inline FLUX_ABI::detail {

// Every thread heap of the process, of all domains, parked or owned, the last one made first. Heaps are never
// unmapped: none ever leaves.
class HeapList {
 public:
  /// Linked by next_made. Tests that unmap heaps set it back.
  std::atomic<ThreadHeap*> newest{nullptr};

  /// Makes a new heap known. Any thread; once a heap.
  void enlist(ThreadHeap* heap) noexcept {
    // relaxed: published by the exchange.
    heap->next_made = newest.load(std::memory_order_relaxed);
    // release: pairs with the acquire in for_each; test/model fails without it (litmus/list). relaxed on failure: the
    // loop only tries again.
    while (!newest.compare_exchange_weak(heap->next_made, heap, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
  }

  /// Calls `visit(ThreadHeap&)` for every heap there is. Any thread.
  template <class Visit>
  void for_each(Visit visit) const {
    // acquire: pairs with the release in enlist; test/model fails without it (litmus/list). Enlisting again and again
    // continues the release sequence (litmus/sequence).
    for (ThreadHeap* heap = newest.load(std::memory_order_acquire); heap != nullptr; heap = heap->next_made)
      visit(*heap);
  }
};

inline constinit HeapList heap_list;

}  // namespace flux::inline FLUX_ABI::detail
