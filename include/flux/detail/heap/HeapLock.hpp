#pragma once

#include <atomic>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>

namespace flux::inline FLUX_ABI::detail {

// Waits for another thread's bounded piece of work: gives way to it, and sleeps when that is not enough, because a
// thread of real-time priority gives way to none of a lower one.
class Wait {
 public:
  explicit Wait(int most_milliseconds = 500) noexcept : most_milliseconds_(most_milliseconds) {}

  /// For waits that must have an end: true when it is time to go on without.
  bool is_over() noexcept {
    const long long now = System::milliseconds();
    if (end_ == 0) end_ = now + most_milliseconds_;
    return now >= end_;
  }

  void once() noexcept { ++turns_ % 64 != 0 ? System::yield() : System::sleep(); }

 private:
  int most_milliseconds_;
  unsigned turns_ = 0;
  long long end_ = 0;
};

// Excludes those who work on the slabs of a thread heap: its owner, on the slow paths, and threads that trim or help.
// Nearly always free: one compare-exchange a slow call.
//
//   taken_: by nobody, from outside by a thread that does not own the heap, or else by its owner
class HeapLock {
 public:
  bool try_lock() noexcept { return try_take(Taken::kByOwner); }

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
    // relaxed: a request, as in lock.
    return !is_wanted_.load(std::memory_order_relaxed) && try_take(Taken::kFromOutside);
  }

  /// In the child of a fork: whether it was taken from outside, by a thread that is not here.
  bool is_taken_from_outside() const noexcept {
    // relaxed: there is one thread.
    return taken_.load(std::memory_order_relaxed) == Taken::kFromOutside;
  }

  void unlock() noexcept {
    // release: pairs with the acquire in try_take; test/model fails without it (litmus/lock).
    taken_.store(Taken::kNot, std::memory_order_release);
  }

 private:
  // One word says both whether it is taken and by whom: a fork may come between any two instructions.
  enum class Taken : unsigned char { kNot, kByOwner, kFromOutside };

  bool try_take(Taken taken) noexcept {
    Taken expected = Taken::kNot;
    // acquire: pairs with the release in unlock; what the last holder did to the slabs is visible; test/model fails
    // without it (litmus/lock). relaxed on failure: nothing is done then.
    return taken_.compare_exchange_strong(expected, taken, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  std::atomic<Taken> taken_{Taken::kNot};
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

}  // namespace flux::inline FLUX_ABI::detail
