#pragma once

#include <atomic>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>

namespace flux::inline FLUX_ABI::detail {

// Whether a heap's owner takes home what others post. A heap is attended while its owner makes slow calls; while
// the owner sleeps, and while the heap is parked, those who post help.
//
//   is_attended_ is false for a parked heap, and for an owned one from a call of help to the owner's next slow call
class Attendance {
 public:
  // relaxed, all here: hints to those who post, and numbers by themselves. What is done for them is done under the
  // heap's lock.

  /// The owner is at work.
  void begin() noexcept {
    if (!is_attended_.load(std::memory_order_relaxed)) is_attended_.store(true, std::memory_order_relaxed);
  }
  void end() noexcept { is_attended_.store(false, std::memory_order_relaxed); }

  /// Any thread, after a post: whether the owner is at work, by the slow calls it has made, or there is little to be done. `is_short`:
  /// little came with it.
  bool note_post(const Count<std::uint64_t>& slow_calls, bool is_short) noexcept {
    const std::uint64_t posts = posts_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (is_short && posts % kPatience != 0) return true;
    if (!is_attended_.load(std::memory_order_relaxed)) return false;
    if (posts % kPatience != 0) return true;
    const std::uint64_t calls = slow_calls;
    const bool is_at_work = calls != calls_seen_.load(std::memory_order_relaxed);
    calls_seen_.store(calls, std::memory_order_relaxed);
    return is_at_work;
  }

  /// From the beginning on. Any thread.
  std::uint64_t posts() const noexcept { return posts_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kPatience = 16;  // posts between two looks at the owner's slow calls

  std::atomic<bool> is_attended_{true};
  std::atomic<std::uint64_t> posts_{0};
  std::atomic<std::uint64_t> calls_seen_{0};  ///< when they were looked at last
};

}  // namespace flux::inline FLUX_ABI::detail
