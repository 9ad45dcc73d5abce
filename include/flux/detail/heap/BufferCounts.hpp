#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/heap/DomainInfo.hpp>
#include <flux/detail/heap/LocalThread.hpp>

namespace flux::inline FLUX_ABI::detail {

/// The domain of the buffers of all pools.
struct BufferDomain;
template <>
struct DomainName<BufferDomain> {
  static constexpr const char* kText = "flux::BufferPool";
};

struct BufferCount {
  std::uint64_t gets = 0;
  std::uint64_t puts = 0;
  std::uint64_t misses = 0;

  std::uint64_t in_use() const noexcept { return gets - std::min(gets, puts); }
};

// What is counted of the buffers of one class: in a line for each thread number, which the thread that holds the number
// writes alone, and in one that all other threads share.
//
//   gets - puts == buffers in use, summed over the lines
class BufferCounts {
 public:
  void count_get(bool is_hit) noexcept {
    if (has_no_line()) [[unlikely]]
      return count_get_slow(is_hit);
    Line& mine = lines_[thread_number];
    mine.gets += 1;
    if (!is_hit) mine.misses += 1;
  }

  void count_put() noexcept {
    if (has_no_line()) [[unlikely]]
      return count_put_slow();
    lines_[thread_number].puts += 1;
  }

  /// Any thread.
  BufferCount sum() const noexcept {
    BufferCount sum;
    for (const Line& line : lines_) {
      sum.misses += line.misses;
      sum.gets += line.gets;
      sum.puts += line.puts;
    }
    sum.misses = std::min(sum.misses, sum.gets);
    return sum;
  }

 private:
  struct alignas(64) Line {
    Count<std::uint64_t> gets;
    Count<std::uint64_t> puts;
    Count<std::uint64_t> misses;
  };

  /// Code with another copy of flux counts threads for itself: its numbers say nothing here.
  bool is_foreign() const noexcept { return numbers_ != &thread_numbers; }
  bool has_no_line() const noexcept { return thread_number == kNoThreadNumber || is_foreign(); }

  /// Without a number the thread's line is the shared one.
  [[gnu::noinline]] void count_get_slow(bool is_hit) noexcept {
    if (!is_foreign() && local_thread.take_number()) return count_get(is_hit);
    lines_[kNoThreadNumber].gets.add_shared(1);
    if (!is_hit) lines_[kNoThreadNumber].misses.add_shared(1);
  }
  [[gnu::noinline]] void count_put_slow() noexcept {
    if (!is_foreign() && local_thread.take_number()) return count_put();
    lines_[kNoThreadNumber].puts.add_shared(1);
  }

  const ThreadNumbers* numbers_ = &thread_numbers;
  std::array<Line, kNoThreadNumber + 1> lines_{};
};

}  // namespace flux::inline FLUX_ABI::detail
