#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace orderbook {

/// Counts durations in nanoseconds: exact below 1024, in steps of 1/512 of the value beyond; the maximum is
/// exact. All memory is there, and touched, from the beginning; `record` uses the little of it that typical
/// values need.
class Latencies {
 public:
  Latencies() : counts_(kBuckets) {}

  void record(std::uint64_t nanoseconds) noexcept {
    ++counts_[bucket(nanoseconds)];
    ++total_;
    max_ = std::max(max_, nanoseconds);
  }

  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t max() const noexcept { return max_; }

  /// The least recorded duration (rounded up to its step) that `per_mille` of 1000 do not exceed. 0 when
  /// nothing was recorded.
  std::uint64_t quantile(std::uint64_t per_mille) const noexcept {
    const std::uint64_t wanted = std::max<std::uint64_t>(1, (total_ * per_mille + 999) / 1000);
    std::uint64_t seen = 0;
    for (std::size_t at = 0; at < kBuckets; ++at)
      if (seen += counts_[at]; seen >= wanted) return std::min(highest(at), max_);
    return 0;
  }

 private:
  static constexpr int kExactBits = 10;
  static constexpr std::size_t kSteps = std::size_t{1} << (kExactBits - 1);  ///< per power of two
  static constexpr std::size_t kExact = 2 * kSteps;
  static constexpr std::uint64_t kMost =
      (std::uint64_t{1} << 40U) - 1;  ///< 18 minutes; what is longer counts there
  static constexpr std::size_t kBuckets = kExact + (40 - kExactBits) * kSteps;

  static std::size_t bucket(std::uint64_t value) noexcept {
    if (value < kExact) return value;
    value = std::min(value, kMost);
    const int shift = static_cast<int>(std::bit_width(value)) - kExactBits;
    return kExact + static_cast<std::size_t>(shift - 1) * kSteps + ((value >> shift) - kSteps);
  }

  /// The highest value that falls into a bucket.
  static std::uint64_t highest(std::size_t at) noexcept {
    if (at < kExact) return at;
    const std::size_t shift = (at - kExact) / kSteps + 1;
    return (((at - kExact) % kSteps + kSteps + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace orderbook
