#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstdint>

#include <flux/detail/heap/HeapRegistry.hpp>
#include <flux/detail/heap/LocalBins.hpp>

namespace flux::detail {

// Work on a heap that is not the calling thread's own. A thread that forks waits for it, and keeps it out: the
// child would find such a heap half done, and may own it.
//
//   state_ == threads at such work, plus kForking while a thread forks
class ForeignWork {
 public:
  /// Begins such work; false when a fork could not be kept out, or one takes its time.
  inline bool begin() noexcept;
  inline void end() noexcept;

  /// Has fork told; false when the system cannot. Once, when the code is loaded: a fork that has begun by then
  /// on another thread would not know.
  inline static bool tell_fork() noexcept;

 private:
  inline static void prepare() noexcept;
  inline static void go_on() noexcept;
  inline static void go_on_in_child() noexcept;

  static constexpr std::uint32_t kForking = std::uint32_t{1} << 31;
  static constexpr unsigned kMostAttempts = 1000;

  std::atomic<std::uint32_t> state_{0};
};

inline constinit ForeignWork foreign_work;
inline const bool is_fork_told = ForeignWork::tell_fork();

bool ForeignWork::begin() noexcept {
  if (!is_fork_told) return false;
  for (unsigned attempt = 0; attempt != kMostAttempts; ++attempt) {
    // relaxed: only the exchange counts.
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & kForking) == 0) {
      // acquire: pairs with the release in go_on; the fork is over. relaxed on failure: the loop tries again.
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire,
                                       std::memory_order_relaxed))
        return true;
    }
    ::sched_yield();
  }
  return false;
}

// release: pairs with the acquire in prepare; the fork finds the heap whole.
void ForeignWork::end() noexcept { state_.fetch_sub(1, std::memory_order_release); }

bool ForeignWork::tell_fork() noexcept { return ::pthread_atfork(prepare, go_on, go_on_in_child) == 0; }

/// Several threads may fork at once: one after another.
void ForeignWork::prepare() noexcept {
  std::atomic<std::uint32_t>& state = foreign_work.state_;
  // acquire: pairs with the release in go_on of a thread that forked before.
  while ((state.fetch_or(kForking, std::memory_order_acquire) & kForking) != 0) ::sched_yield();
  // acquire: pairs with the release in end.
  while (state.load(std::memory_order_acquire) != kForking) ::sched_yield();
}

// release: pairs with the acquire in begin and prepare.
void ForeignWork::go_on() noexcept { foreign_work.state_.store(0, std::memory_order_release); }

/// The heaps of the parent's other threads are nobody's here, and new threads may live at their addresses.
void ForeignWork::go_on_in_child() noexcept {
  heap_registry.for_each([](ThreadHeap& heap) { forget_if_not_mine(*heap.bins()); });
  go_on();
}

}  // namespace flux::detail
