// Random numbers that follow from the seed of the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include "support/Seed.hpp"

namespace flux::test {

class Random {
 public:
  using result_type = std::mt19937_64::result_type;

  /// `stream` tells the generators of one run apart.
  explicit Random(std::uint64_t stream = 0) : engine_((std::uint64_t{seed()} << 32) + stream) {}

  static constexpr result_type min() { return std::mt19937_64::min(); }
  static constexpr result_type max() { return std::mt19937_64::max(); }
  result_type operator()() { return engine_(); }

  /// A number from 0 to limit - 1. Requires limit > 0.
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace flux::test
