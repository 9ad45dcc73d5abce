#pragma once

#include <flux/detail/base/Config.hpp>

#include <atomic>
#include <cstddef>

#include <flux/detail/heap/HeapLock.hpp>
#include <flux/detail/heap/OwnerOutbox.hpp>

namespace flux::inline FLUX_ABI::detail {

inline constexpr std::size_t kUnitBytes = std::size_t{64} << 10;

struct SlabSource {
  static constexpr std::size_t kHeapIndex = 8;
};

struct Bins {};

// Of a thread heap what parking, listing and foreign work know: its links, its lock, and something that it holds.
class ThreadHeap {
 public:
  /// As in the real one, but for the bins and slabs.
  void disown() noexcept {
    const HeapLockGuard guard(lock);
    content.set(kParked);
  }

  /// The same: false at once when the heap is locked.
  bool try_own() noexcept {
    if (!lock.try_lock()) return false;
    model::check(content.get() == kParked, "a heap that is adopted was not parked");
    content.set(kOwned);
    lock.unlock();
    return true;
  }

  Bins* bins() noexcept { return &bins_; }
  void lose_if_locked() noexcept {}

  static constexpr int kOwned = 1;
  static constexpr int kParked = 2;

  HeapLock lock;
  model::Data<int> content{kOwned};
  std::atomic<ThreadHeap*> next_parked{nullptr};
  ThreadHeap* next_made = nullptr;
  OwnerOutbox owner_outbox;

 private:
  Bins bins_;
};

}  // namespace flux::inline FLUX_ABI::detail
