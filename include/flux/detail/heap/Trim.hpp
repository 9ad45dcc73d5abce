#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>

#include <flux/detail/heap/HeapRegistry.hpp>

namespace flux::detail {

// Held while a thread works on a heap that is not its own, and by a thread that forks: the child would find such
// a heap half done, and may own it.
//
// States: unknown to fork, being made known, known.
class ForeignWork {
 public:
  /// Begins such work; false when a fork could not be kept out.
  bool begin() noexcept {
    if (!is_known()) return false;
    lock_.lock();
    return true;
  }
  void end() noexcept { lock_.unlock(); }

 private:
  enum class State : unsigned char { kUnknown, kBeingMadeKnown, kKnown };

  bool is_known() noexcept {
    State before = State::kUnknown;
    // acquire: pairs with the release below: the handlers are there. One thread registers them, without the
    // lock: a fork that has begun would wait for it inside the system.
    if (!state_.compare_exchange_strong(before, State::kBeingMadeKnown, std::memory_order_acquire,
                                        std::memory_order_acquire)) {
      return before == State::kKnown;
    }
    const bool is_done = ::pthread_atfork(lock, unlock, unlock) == 0;
    state_.store(is_done ? State::kKnown : State::kUnknown, std::memory_order_release);
    return is_done;
  }

  inline static void lock() noexcept;
  inline static void unlock() noexcept;

  HeapLock lock_;
  std::atomic<State> state_{State::kUnknown};
};

inline constinit ForeignWork foreign_work;

void ForeignWork::lock() noexcept { foreign_work.lock_.lock(); }
void ForeignWork::unlock() noexcept { foreign_work.lock_.unlock(); }

/// Trims `mine`, the calling thread's heap (or nullptr), and all others that are not at work; returns the bytes.
inline std::size_t trim_all(ThreadHeap* mine) noexcept {
  std::size_t bytes = 0;
  heap_registry.for_each([&](ThreadHeap& heap) {
    if (&heap != mine && !foreign_work.begin()) return;
    bytes += heap.trim(&heap == mine);
    if (&heap != mine) foreign_work.end();
  });
  return bytes;
}

}  // namespace flux::detail
