// In which order something is freed.
#pragma once

#include <algorithm>

#include "support/Random.hpp"

namespace flux::test {

enum class Order { kSame, kReverse, kRandom };
inline constexpr Order kOrders[] = {Order::kSame, Order::kReverse, Order::kRandom};

template <class Sequence>
void arrange(Sequence& sequence, Order order, Random& random) {
  if (order == Order::kReverse) std::ranges::reverse(sequence);
  if (order == Order::kRandom) std::ranges::shuffle(sequence, random);
}

}  // namespace flux::test
