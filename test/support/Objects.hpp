// Many objects of mixed small sizes, to be handed from thread to thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "support/Kinds.hpp"
#include "support/Ledger.hpp"
#include "support/Order.hpp"
#include "support/Random.hpp"

namespace flux::test {

using Holdings = std::vector<Holding>;

/// `count` objects of 1 to 320 bytes, marked by their number.
inline Holdings hold_mixed(std::size_t count, Random& random) {
  Holdings holdings;
  const std::span<const Kind> kinds = kinds_by_size(320);
  for (std::size_t i = 0; i < count; ++i)
    holdings.push_back(hold(kinds[random.below(kinds.size())], 1, i + 1));
  return holdings;
}

/// `count` objects of one size, marked by their number.
inline Holdings hold_alike(std::size_t count, std::size_t size) {
  Holdings holdings;
  const Kind& kind = kinds_by_size(size).back();
  if (kind.size != size) throw std::invalid_argument("no kind has this size");
  for (std::size_t i = 0; i < count; ++i) holdings.push_back(hold(kind, 1, i + 1));
  return holdings;
}

/// Frees all of them; returns how many had been overwritten.
inline std::size_t check_and_free(const Holdings& holdings) {
  std::size_t damaged = 0;
  for (const Holding& holding : holdings) {
    damaged += holding.is_intact() ? 0 : 1;
    holding.free();
  }
  return damaged;
}

/// Every `step`-th of the holdings from `first` on.
inline Holdings share_of(const Holdings& holdings, std::size_t first, std::size_t step) {
  Holdings share;
  for (std::size_t i = first; i < holdings.size(); i += step) share.push_back(holdings[i]);
  return share;
}

}  // namespace flux::test
