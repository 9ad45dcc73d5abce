#pragma once

#include <sched.h>
#include <time.h>

#include <atomic>

#include <flux/detail/base/Error.hpp>

namespace flux::detail {

// Waits for another thread's bounded piece of work: gives way to it, and sleeps when that is not enough, because a
// thread of real-time priority gives way to none of a lower one.
class Wait {
 public:
  void once() noexcept {
    if (++turns_ % 64 != 0) {
      ::sched_yield();
    } else {
      const KeepErrno keep;
      const timespec some{0, 50'000};
      ::nanosleep(&some, nullptr);
    }
  }

 private:
  unsigned turns_ = 0;
};

// Excludes those who work on the slabs of a thread heap: its owner, on the slow paths, and threads that trim or help.
// Nearly always free: one exchange a slow call.
class HeapLock {
 public:
  bool try_lock() noexcept {
    // acquire: pairs with the release in unlock; what the last holder did to the slabs is visible.
    return !is_taken_.exchange(true, std::memory_order_acquire);
  }

  void lock() noexcept {
    if (try_lock()) return;
    Wait wait;
    do {
      // relaxed: a request; those who heed it look at it again and again.
      is_wanted_.store(true, std::memory_order_relaxed);
      wait.once();
    } while (!try_lock());
    is_wanted_.store(false, std::memory_order_relaxed);
  }

  /// For those who can do without: lets whoever waits in lock() go first.
  bool try_lock_unless_wanted() noexcept { return !is_wanted_.load(std::memory_order_relaxed) && try_lock(); }

  // release: pairs with the acquire in try_lock.
  void unlock() noexcept { is_taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> is_taken_{false};
  std::atomic<bool> is_wanted_{false};
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
