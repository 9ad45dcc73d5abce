// What is written to a block, to see that nobody else wrote there: its first bytes and its last ones.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "support/Pattern.hpp"

namespace flux::test::fuzz {

inline constexpr std::size_t kEdgeBytes = 256;

inline void fill(void* block, std::size_t bytes, std::uint64_t mark) noexcept {
  const std::size_t edge = std::min(bytes, kEdgeBytes);
  if (edge == 0) return;
  write_mark(block, edge, mark);
  write_mark(static_cast<std::byte*>(block) + (bytes - edge), edge, mark);
}

inline bool is_filled(const void* block, std::size_t bytes, std::uint64_t mark) noexcept {
  const std::size_t edge = std::min(bytes, kEdgeBytes);
  return edge == 0 || (has_mark(block, edge, mark) &&
                       has_mark(static_cast<const std::byte*>(block) + (bytes - edge), edge, mark));
}

}  // namespace flux::test::fuzz
