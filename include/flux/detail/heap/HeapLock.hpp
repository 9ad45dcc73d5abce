#pragma once

#include <sched.h>

#include <atomic>

namespace flux::detail {

// Excludes those who work on the slabs of a thread heap: its owner, on the slow paths, and a thread that trims
// it. Nearly always free: one exchange a slow call. Whoever finds it taken gives way to the other thread, which
// holds it for a bounded piece of work.
class HeapLock {
 public:
  bool try_lock() noexcept {
    // acquire: pairs with the release in unlock; what the last holder did to the slabs is visible.
    return !is_taken_.exchange(true, std::memory_order_acquire);
  }

  void lock() noexcept {
    while (!try_lock()) ::sched_yield();
  }

  // release: pairs with the acquire in try_lock.
  void unlock() noexcept { is_taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> is_taken_{false};
};

/// Holds a lock while it lives.
class HeapLockGuard {
 public:
  explicit HeapLockGuard(HeapLock& lock) noexcept : lock_(lock) { lock_.lock(); }
  HeapLockGuard(const HeapLockGuard&) = delete;
  HeapLockGuard& operator=(const HeapLockGuard&) = delete;
  ~HeapLockGuard() { lock_.unlock(); }

 private:
  HeapLock& lock_;
};

}  // namespace flux::detail
