// Counts that take too long for every run.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "support/Sanitizers.hpp"

namespace flux::test {

/// `usual`, scaled as everywhere; or `full` when the environment says FLUX_TEST_FULL=1.
inline std::size_t usual_or_full(std::size_t usual, std::size_t full) {
  return std::getenv("FLUX_TEST_FULL") != nullptr ? full : scaled(usual);
}

}  // namespace flux::test
