#pragma once

#include <atomic>
#include <cstdint>

#include <flux/detail/heap/ThreadHeap.hpp>

namespace flux::detail {

// All thread heaps of the process, and which of them are parked: the last one parked on top, because its memory
// is the warmest.
//
// A lock-free stack: a thread that forks or dies in the middle holds nothing up. Heaps are never unmapped, so
// following a stale link is harmless, and a count in the head's low bits, changed by every operation, tells a
// head that went and came back (ABA) from one that stayed.
class HeapRegistry {
 public:
  /// Every heap there is, the last one made first, linked by next_made. Tests that unmap heaps set it back.
  std::atomic<ThreadHeap*> newest{nullptr};

  /// Makes a new heap known. Any thread; once a heap.
  void enlist(ThreadHeap* heap) noexcept {
    // relaxed: published by the exchange.
    heap->next_made = newest.load(std::memory_order_relaxed);
    // release: pairs with the acquire in for_each; relaxed on failure: the loop only tries again.
    while (!newest.compare_exchange_weak(heap->next_made, heap, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
  }

  /// Calls `visit(ThreadHeap&)` for every heap there is, parked or owned. Any thread.
  template <class Visit>
  void for_each(Visit visit) const {
    // acquire: pairs with the release in enlist. Enlisting again and again continues the release sequence.
    for (ThreadHeap* heap = newest.load(std::memory_order_acquire); heap != nullptr; heap = heap->next_made)
      visit(*heap);
  }

  /// Parks a heap that the caller owns; from here on any thread may adopt it.
  void park(ThreadHeap* heap) noexcept {
    heap->disown();
    push(heap);
  }

  /// A parked heap, owned by the caller from here on; nullptr when none is parked.
  ThreadHeap* adopt() noexcept {
    ThreadHeap* const heap = pop();
    if (heap == nullptr) return nullptr;
    heap->own();
    return heap;
  }

 private:
  void push(ThreadHeap* heap) noexcept {
    // relaxed: only the value is needed; what lies behind the old head is not read.
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      // relaxed: published by the exchange.
      heap->next_parked.store(heap_of(head), std::memory_order_relaxed);
      // release: pairs with the acquire in pop; the adopter sees all that the last owner did to the heap.
    } while (!head_.compare_exchange_weak(head, pack(heap, head), std::memory_order_release,
                                          std::memory_order_relaxed));
  }

  ThreadHeap* pop() noexcept {
    // acquire: pairs with the release in push; the link behind the head is read below.
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (ThreadHeap* const heap = heap_of(head)) {
      // relaxed: if another thread adopted the heap meanwhile, the value is stale and the exchange fails.
      ThreadHeap* const next = heap->next_parked.load(std::memory_order_relaxed);
      // acquire on success: pairs with the release in push. acquire on failure: as at the load above.
      if (head_.compare_exchange_weak(head, pack(next, head), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return heap;
      }
    }
    return nullptr;
  }

  // A heap lies kHeapOffset behind a multiple of kRegionBytes (2^25) below 2^57: shifted by 7, 32 bits are
  // for the count.
  static constexpr std::uintptr_t kHeapOffset = SlabSource::kHeapUnits * kUnitBytes;
  static_assert(kHeaderUnits <= SlabSource::kHeapUnits,
                "the heap lies in the first aligned run behind the header");
  static constexpr unsigned kShift = 7;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << 32) - 1;

  static ThreadHeap* heap_of(std::uint64_t head) noexcept {
    const std::uint64_t region = (head & ~kCountMask) >> kShift;
    return region == 0 ? nullptr
                       : reinterpret_cast<ThreadHeap*>(static_cast<std::uintptr_t>(region) + kHeapOffset);
  }

  static std::uint64_t pack(ThreadHeap* heap, std::uint64_t previous) noexcept {
    const std::uint64_t region = heap == nullptr ? 0 : reinterpret_cast<std::uintptr_t>(heap) - kHeapOffset;
    return region << kShift | ((previous + 1) & kCountMask);
  }

  std::atomic<std::uint64_t> head_{0};
};

inline constinit HeapRegistry heap_registry;

}  // namespace flux::detail
