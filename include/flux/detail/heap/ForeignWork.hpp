#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include <flux/detail/heap/HeapList.hpp>
#include <flux/detail/heap/LocalBins.hpp>

namespace flux::detail {

// Work on a heap that is not the calling thread's own. A thread that forks waits for it, and keeps it out: the
// child would find such a heap half done, and may own it.
//
//   state_ == threads at such work, plus kForking while a thread forks
//
// A signal handler may fork in the middle of it: then the child goes on with that work, and its thread is not waited
// for. Signals may also come between the lines; therefore no wait is without an end.
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
  static constexpr unsigned kMostWaits = 100'000;

  std::atomic<std::uint32_t> state_{0};

  // The calling thread's part in state_.
  static inline constinit thread_local bool is_at_work_ = false;
  static inline constinit thread_local unsigned forks_ = 0;  ///< a handler of a fork may fork
};

inline constinit ForeignWork foreign_work;
inline const bool is_fork_told = ForeignWork::tell_fork();

bool ForeignWork::begin() noexcept {
  if (!is_fork_told) return false;
  Wait wait;
  for (unsigned attempt = 0; attempt != kMostAttempts && forks_ == 0; ++attempt) {
    // relaxed: only the exchange counts.
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & kForking) == 0) {
      // acquire: pairs with the release in go_on; the fork is over. relaxed on failure: the loop tries again.
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire,
                                       std::memory_order_relaxed))
        return is_at_work_ = true;
    }
    wait.once();
  }
  return false;
}

void ForeignWork::end() noexcept {
  if (!is_at_work_) return;  // this is a child
  is_at_work_ = false;
  // release: pairs with the acquire in prepare; the fork finds the heap whole.
  state_.fetch_sub(1, std::memory_order_release);
}

bool ForeignWork::tell_fork() noexcept { return ::pthread_atfork(prepare, go_on, go_on_in_child) == 0; }

/// Several threads may fork at once: one after another.
void ForeignWork::prepare() noexcept {
  if (forks_++ != 0) return;
  std::atomic<std::uint32_t>& state = foreign_work.state_;
  Wait wait;
  // acquire: pairs with the release in go_on of a thread that forked before.
  while ((state.fetch_or(kForking, std::memory_order_acquire) & kForking) != 0) wait.once();
  for (unsigned waits = 0; waits != kMostWaits; ++waits) {
    // acquire: pairs with the release in end.
    if (state.load(std::memory_order_acquire) == kForking + (is_at_work_ ? 1 : 0)) break;
    wait.once();
  }
}

void ForeignWork::go_on() noexcept {
  // release: pairs with the acquire in begin and prepare.
  if (--forks_ == 0) foreign_work.state_.fetch_and(~kForking, std::memory_order_release);
}

/// The heaps of the parent's other threads are nobody's here, and new threads may live at their addresses.
void ForeignWork::go_on_in_child() noexcept {
  if (--forks_ != 0) return;
  heap_list.for_each([](ThreadHeap& heap) { forget_if_not_mine(*heap.bins()); });
  is_at_work_ = false;
  // release: as in go_on.
  foreign_work.state_.store(0, std::memory_order_release);
}

}  // namespace flux::detail
