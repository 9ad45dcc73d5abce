#pragma once

// What the rows share: sizes that a smoke run can shrink, one figure per row, a cheap generator, a stopwatch.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "support/Counted.hpp"

namespace bench {

/// `full` objects, or the FLUX_BENCH_SCALE-th part of them: the same code in a moment, for smoke tests.
inline std::size_t scaled(std::size_t full) {
  static const std::size_t divisor = [] {
    const char* const text = std::getenv("FLUX_BENCH_SCALE");
    return text == nullptr ? std::size_t{1} : std::max<std::size_t>(1, std::strtoull(text, nullptr, 10));
  }();
  return std::max<std::size_t>(32, full / divisor);
}

/// The row's figure: nanoseconds per item, each thread having handled `items_per_iteration` in every
/// iteration. And what the loop was counted to do, per item.
inline void report(benchmark::State& state, std::size_t items_per_iteration) {
  using benchmark::Counter;
  const double items = static_cast<double>(items_per_iteration) * static_cast<double>(state.iterations());
  state.counters["ns_per_item"] =
      Counter(items * 1e-9, Counter::kIsRate | Counter::kInvert | Counter::kAvgThreads);
  for (std::size_t i = 0; i != kCountedEvents.size(); ++i) {
    if (last_counts[i] >= 0)
      state.counters[kCountedEvents[i].name] = Counter(last_counts[i] / items, Counter::kAvgThreads);
    last_counts[i] = -1;
  }
}

/// xorshift64: three shifts, the same for every allocator.
class Random {
 public:
  explicit Random(std::uint64_t stream = 0) : state_(0x9E3779B97F4A7C15 * (stream + 1)) {}

  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  /// A number below `bound`, which is under 2^32.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>((next() >> 32) * bound >> 32); }

 private:
  std::uint64_t state_;
};

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace bench
