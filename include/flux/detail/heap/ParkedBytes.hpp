#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

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

// Of one heap, what it may retain while it is parked: its part of `all` that are parked, the same at each call.
//
//   bytes_ == 0 while the heap is owned
class ParkedShare {
 public:
  /// Grows to what the heap retains, as far as there is room, and is never above the limit, which may have been
  /// lowered.
  void claim(ParkedBytes& all, std::size_t retained, std::size_t limit) noexcept {
    if (bytes_ > limit) {
      all.give_back(bytes_ - limit);
      bytes_ = limit;
    } else if (retained > bytes_) {
      bytes_ += all.claim(retained - bytes_, limit);
    }
  }

  void give_up(ParkedBytes& all) noexcept {
    all.give_back(bytes_);
    bytes_ = 0;
  }

  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
