#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include <flux/detail/base/Error.hpp>

namespace flux::detail {

// Waits for another thread's bounded piece of work: gives way to it, and sleeps when that is not enough, because a
// thread of real-time priority gives way to none of a lower one.
class Wait {
 public:
  explicit Wait(int most_milliseconds = 500) noexcept : most_milliseconds_(most_milliseconds) {}

  /// For waits that must have an end: true when it is time to go on without.
  bool is_over() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto milliseconds = static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
    if (end_ == 0) end_ = milliseconds + most_milliseconds_;
    return milliseconds >= end_;
  }

  void once() noexcept {
    if (++turns_ % 64 != 0) {
      ::sched_yield();
    } else {
      // By its number: the library's function would let the thread be cancelled in here, where nothing may throw.
      const KeepErrno keep;
      const timespec some{0, 50'000};
      ::syscall(SYS_nanosleep, &some, nullptr);
    }
  }

 private:
  int most_milliseconds_;
  unsigned turns_ = 0;
  long long end_ = 0;
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

  /// For those who come from outside, and can do without: lets whoever waits in lock() go first.
  bool try_lock_from_outside() noexcept {
    if (is_wanted_.load(std::memory_order_relaxed) || !try_lock()) return false;
    // relaxed: for a fork's child, which has one thread.
    is_from_outside_.store(true, std::memory_order_relaxed);
    return true;
  }

  /// In the child of a fork: whether it was taken from outside, by a thread that is not here.
  bool is_taken_from_outside() const noexcept { return is_from_outside_.load(std::memory_order_relaxed); }

  void unlock() noexcept {
    is_from_outside_.store(false, std::memory_order_relaxed);
    // release: pairs with the acquire in try_lock.
    is_taken_.store(false, std::memory_order_release);
  }

 private:
  std::atomic<bool> is_taken_{false};
  std::atomic<bool> is_wanted_{false};
  std::atomic<bool> is_from_outside_{false};
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
