#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace model {

/// The program itself, which is thread 0 and makes and checks what the others work on, and three model threads.
inline constexpr std::size_t kThreads = 4;

using Time = std::uint32_t;

// How much of each thread's work comes before something ("happens before"): a vector clock.
struct Clock {
  std::array<Time, kThreads> at{};

  void join(const Clock& other) noexcept {
    for (std::size_t t = 0; t != kThreads; ++t) at[t] = std::max(at[t], other.at[t]);
  }

  /// Whether what a thread did at a time comes before.
  bool covers(std::size_t thread, Time time) const noexcept { return time <= at[thread]; }
};

}  // namespace model
