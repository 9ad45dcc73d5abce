#pragma once

#include <atomic>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/heap/HeapList.hpp>
#include <flux/detail/heap/LocalBins.hpp>

namespace flux::inline FLUX_ABI::detail {

// Work on a heap that is not the calling thread's own. A thread that forks waits for it, and keeps it out: the
// child would find such a heap half done, and may own it. It does not wait for ever: then the child loses the heap.
//
//   state_ == threads at such work + kFork * forks that go on
//
// A handler of a fork may fork, and so may a signal handler, in the middle of such work or between any two of the
// lines below. Then a count may come out too small in the child, where there is no other thread: none goes below zero.
class ForeignWork {
 public:
  /// Begins such work; false when somebody forks, or a fork could not be kept out.
  inline bool begin(const ThreadHeap& heap) noexcept;
  inline void end() noexcept;

  /// Has fork told; false when the system cannot. Once, when the code is loaded: a fork that has begun by then
  /// on another thread would not know.
  inline static bool tell_fork() noexcept;

 private:
  inline static void prepare() noexcept;
  inline static void go_on() noexcept;
  inline static void go_on_in_child() noexcept;
  inline void subtract(std::uint32_t one) noexcept;

  static constexpr std::uint32_t kFork = std::uint32_t{1} << 16;

  std::atomic<std::uint32_t> state_{0};

  // The calling thread's part in state_.
  static inline constinit thread_local const ThreadHeap* at_work_on_ = nullptr;
  static inline constinit thread_local std::uint32_t forks_ = 0;
  static inline constinit thread_local long forked_ = 0;  ///< its number, when it forked
};

inline constinit ForeignWork foreign_work;
inline const bool is_fork_told = ForeignWork::tell_fork();

bool ForeignWork::begin(const ThreadHeap& heap) noexcept {
  if (!is_fork_told || at_work_on_ != nullptr) return false;
  at_work_on_ = &heap;
  // relaxed: only the exchange counts.
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  while (state < kFork) {
    // acquire: pairs with the release in go_on; the fork is over; test/model fails without it (litmus/number). relaxed
    // on failure: the loop tries again.
    if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  }
  at_work_on_ = nullptr;
  return false;
}

void ForeignWork::end() noexcept {
  subtract(1);
  at_work_on_ = nullptr;
}

/// Unless there is none, in a child.
void ForeignWork::subtract(std::uint32_t one) noexcept {
  // relaxed: only the exchange counts.
  std::uint32_t state = state_.load(std::memory_order_relaxed);
  while ((one == kFork ? state / kFork : state % kFork) != 0) {
    // release: pairs with the acquire in prepare, so that the fork finds the heap whole, and in begin; test/model fails
    // without it (litmus/fork). relaxed on failure: the loop tries again.
    if (state_.compare_exchange_weak(state, state - one, std::memory_order_release,
                                     std::memory_order_relaxed))
      return;
  }
}

bool ForeignWork::tell_fork() noexcept { return System::tell_fork(prepare, go_on, go_on_in_child); }

void ForeignWork::prepare() noexcept {
  std::atomic<std::uint32_t>& state = foreign_work.state_;
  // relaxed: what counts is read below, of the release sequence that this continues (litmus/fork).
  state.fetch_add(kFork, std::memory_order_relaxed);
  ++forks_;
  forked_ = System::thread_id();
  // acquire: pairs with the release in subtract; test/model fails without it (litmus/fork).
  for (Wait wait; state.load(std::memory_order_acquire) % kFork > (at_work_on_ != nullptr ? 1u : 0u);
       wait.once())
    if (wait.is_over()) break;
}

void ForeignWork::go_on() noexcept {
  --forks_;
  foreign_work.subtract(kFork);
}

/// The heaps of the parent's other threads are nobody's here, and new threads may live at their addresses.
void ForeignWork::go_on_in_child() noexcept {
  --forks_;
  heap_list.for_each([](ThreadHeap& heap) {
    forget_if_not_mine(*heap.bins());
    heap.owner_outbox.keep_that_of(forked_);
    if (&heap != at_work_on_) heap.lose_if_locked();
  });
  forked_ = System::thread_id();  // a fork that goes on around this one is this thread's now
  // relaxed: there is one thread, and nobody to keep out of its work.
  foreign_work.state_.store(forks_ * kFork, std::memory_order_relaxed);
}

}  // namespace flux::inline FLUX_ABI::detail
