// Applies the same random operations to a container with flux::Allocator and to its twin with std::allocator.
#pragma once

#include <algorithm>
#include <cstddef>

#include "support/Random.hpp"

namespace flux::test {

template <class Ours, class Theirs>
bool are_equal(const Ours& ours, const Theirs& theirs) {
  return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end());
}

// One random operation, the same for every container it is applied to.
struct Operation {
  std::size_t kind;
  std::size_t place;  // taken modulo the size
  std::size_t number;

  static Operation draw(Random& random) {
    return {random.below(100), random.below(1 << 20), random.below(500)};
  }
};

/// The number of the step after which the twins differed, or `steps`.
template <class Twins, class Apply>
std::size_t steps_alike(std::size_t steps, Apply apply) {
  typename Twins::Flux ours;
  typename Twins::Std theirs;
  Random random;
  for (std::size_t step = 0; step < steps; ++step) {
    const Operation operation = Operation::draw(random);
    apply(ours, operation);
    apply(theirs, operation);
    if (!are_equal(ours, theirs)) return step;
  }
  return steps;
}

}  // namespace flux::test
