#pragma once

#include <cstddef>
#include <cstdint>

#include <flux/detail/memory/PageSource.hpp>

namespace flux::detail {

inline constexpr std::size_t kRegionBytes = std::size_t{32} << 20;  ///< size and alignment of a region
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// Address space for whole regions, reserved in one piece. Empty: begin == nullptr, bytes == 0.
struct Reservation {
  std::byte* begin = nullptr;
  std::size_t bytes = 0;

  bool contains(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin) < bytes;
  }
};

/// Reserves as many regions at once as the system lets it; empty when not even one is to be had.
///
/// One large piece makes "is this address mine" a single comparison for nearly every object. Where address
/// space is scarce (`ulimit -v`, Valgrind, ThreadSanitizer after some dozen threads) the size falls, and a
/// piece never takes more than a sixteenth of what the process may have, unless it is a single region.
inline Reservation reserve_regions() noexcept {
  constexpr std::size_t kSizes[] = {512 * kRegionBytes, 32 * kRegionBytes, kRegionBytes};
  const std::size_t fair_share = page_source.address_limit() / 16;
  for (const std::size_t bytes : kSizes) {
    if (bytes > fair_share && bytes != kRegionBytes) continue;
    if (std::byte* begin = page_source.reserve(bytes, kRegionBytes)) return {begin, bytes};
  }
  return {};
}

}  // namespace flux::detail
