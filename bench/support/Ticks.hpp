#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace bench {

/// A stopwatch for single operations: the processor's time stamp counter, which on x86-64 costs some ten
/// nanoseconds to read, elsewhere the steady clock.
class Ticks {
 public:
  /// Ticks since construction, at most 2^32 - 1.
  std::uint32_t taken() const {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(now() - start_, UINT32_MAX));
  }

  /// What a tick lasts. Takes some milliseconds at the first call.
  static double nanoseconds() {
    static const double measured = measure();
    return measured;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static std::uint64_t now() {
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);  // waits for what comes before
#else
    return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
  }

  static double measure() {
    const Ticks ticks;
    const Clock::time_point start = Clock::now();
    while (Clock::now() - start < std::chrono::milliseconds(20)) continue;
    const std::chrono::duration<double, std::nano> time = Clock::now() - start;
    return time.count() / static_cast<double>(ticks.taken());
  }

  std::uint64_t start_ = now();
};

}  // namespace bench
