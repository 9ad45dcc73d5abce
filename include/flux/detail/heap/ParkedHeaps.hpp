#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <flux/detail/memory/Reservation.hpp>

namespace flux::inline FLUX_ABI::detail {

// The thread heaps of a domain that are parked, the last one parked on top, because its memory is the warmest.
//
// A lock-free stack: a thread that forks or dies in the middle holds nothing up. Heaps are never unmapped, so
// following a stale link is harmless, and a count in the head's low bits, changed by every operation, tells a
// head that went and came back (ABA) from one that stayed.
class ParkedHeaps {
 public:
  /// Parks a heap that the caller owns; from here on any thread may adopt it.
  void park(ThreadHeap* heap) noexcept {
    heap->disown();
    push(heap);
  }

  /// A parked heap, owned by the caller from here on; nullptr when none is parked that is not being worked on.
  ThreadHeap* adopt() noexcept {
    ThreadHeap* busy = nullptr;  // linked by next_parked
    ThreadHeap* heap = pop();
    for (; heap != nullptr && !heap->try_own(); heap = pop()) {
      // relaxed: as in push.
      heap->next_parked.store(busy, std::memory_order_relaxed);
      busy = heap;
    }
    while (busy != nullptr) {
      ThreadHeap* const next = busy->next_parked.load(std::memory_order_relaxed);
      push(busy);
      busy = next;
    }
    return heap;
  }

 private:
  void push(ThreadHeap* heap) noexcept {
    // relaxed: only the value is needed; what lies behind the old head is not read.
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      // relaxed: published by the exchange.
      heap->next_parked.store(heap_of(head), std::memory_order_relaxed);
      // release: pairs with the acquire in pop; the adopter sees the link, and all that the last owner did to the
      // heap; test/model fails without it (litmus/stack).
    } while (!head_.compare_exchange_weak(head, pack(heap, head), std::memory_order_release,
                                          std::memory_order_relaxed));
  }

  ThreadHeap* pop() noexcept {
    // acquire: pairs with the release in push; the link behind the head is read below; test/model fails without it
    // (litmus/stack).
    std::uint64_t head = head_.load(std::memory_order_acquire);
    while (ThreadHeap* const heap = heap_of(head)) {
      // relaxed: if another thread adopted the heap meanwhile, the value is stale and the exchange fails.
      ThreadHeap* const next = heap->next_parked.load(std::memory_order_relaxed);
      // acquire on failure: as at the load above; test/model fails without it (litmus/beaten). acquire on success:
      // not needed by itself, since the count lets it read only what gave `head` (litmus/stack).
      if (head_.compare_exchange_weak(head, pack(next, head), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return heap;
      }
    }
    return nullptr;
  }

  // A heap lies kHeapOffset behind a multiple of kRegionBytes (2^25, or 2^23) below 2^57: shifted by 7, or 9, 32 bits
  // are for the count.
  static constexpr std::uintptr_t kHeapOffset = SlabSource::kHeapIndex * kUnitBytes;
  static constexpr unsigned kShift = 32 - std::countr_zero(kRegionBytes);
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

// A domain is a set of slabs that no other domain shares: one per tag, and `void`, that of no tag. Each has thread
// heaps of its own, so that nothing below this line knows of domains, a domain's memory never serves another, and a
// use after free cannot reach another domain's objects. It costs each thread some pages for every domain in which it
// allocates.
template <class Domain = void>
inline constinit ParkedHeaps parked_heaps;

}  // namespace flux::inline FLUX_ABI::detail
