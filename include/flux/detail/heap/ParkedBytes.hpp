#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

namespace flux::detail {

// What parked heaps may retain: together no more than one heap that is owned.
//
//   bytes_ == the sum of all shares
class ParkedBytes {
 public:
  /// Adds to a heap's share what is left of `limit`, at most `wanted`; returns that. Any thread.
  std::size_t claim(std::size_t wanted, std::size_t limit) noexcept {
    // relaxed, here and below: the sum stands for itself.
    std::size_t before = bytes_.load(std::memory_order_relaxed);
    std::size_t granted = 0;
    do granted = std::min(wanted, limit - std::min(before, limit));
    while (!bytes_.compare_exchange_weak(before, before + granted, std::memory_order_relaxed,
                                         std::memory_order_relaxed));
    return granted;
  }

  /// Takes a share, or some of it, back. Any thread.
  void give_back(std::size_t bytes) noexcept { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> bytes_{0};
};

inline constinit ParkedBytes parked_bytes;

}  // namespace flux::detail
