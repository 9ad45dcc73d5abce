#pragma once

#include <pthread.h>

#include <cstddef>

#include <flux/detail/heap/HeapRegistry.hpp>
#include <flux/detail/heap/LocalBins.hpp>

namespace flux::detail {

// Held while a thread works on a heap that is not its own, and by a thread that forks: the child would find such
// a heap half done, and may own it.
class ForeignWork {
 public:
  /// Begins such work; false when a fork could not be kept out.
  inline bool begin() noexcept;
  void end() noexcept { lock_.unlock(); }

  /// Has fork told; false when the system cannot. Once, when the code is loaded: a fork that has begun by then
  /// on another thread would not know.
  inline static bool tell_fork() noexcept;

 private:
  inline static void lock() noexcept;
  inline static void unlock() noexcept;
  inline static void unlock_in_child() noexcept;

  HeapLock lock_;
};

inline constinit ForeignWork foreign_work;
inline const bool is_fork_told = ForeignWork::tell_fork();

bool ForeignWork::begin() noexcept {
  if (!is_fork_told) return false;
  lock_.lock();
  return true;
}

bool ForeignWork::tell_fork() noexcept { return ::pthread_atfork(lock, unlock, unlock_in_child) == 0; }

void ForeignWork::lock() noexcept { foreign_work.lock_.lock(); }
void ForeignWork::unlock() noexcept { foreign_work.lock_.unlock(); }

/// The heaps of the parent's other threads are nobody's here, and new threads may live at their addresses.
void ForeignWork::unlock_in_child() noexcept {
  heap_registry.for_each([](ThreadHeap& heap) { forget_if_not_mine(*heap.bins()); });
  unlock();
}

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
