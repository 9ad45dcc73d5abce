#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Address.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/memory/PageSource.hpp>

namespace flux::inline FLUX_ABI::detail {

inline constexpr std::size_t kRegionBytes = std::size_t{kIsNarrow ? 8 : 32}
                                            << 20;  ///< size and alignment of a region
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// Address space for whole regions, reserved in one piece. Empty: begin == nullptr, bytes == 0.
struct Reservation {
  std::byte* begin = nullptr;
  std::size_t bytes = 0;

  bool contains(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(begin) < bytes;
  }
};

/// Address space that flux holds in this process, bytes.
inline constinit std::atomic<std::size_t> reserved_bytes{0};

/// Gives back a reservation that nothing lies in.
inline void release_regions(const Reservation& piece) noexcept {
  page_source.release(piece.begin, piece.bytes);
  // relaxed: a number by itself.
  reserved_bytes.fetch_sub(piece.bytes, std::memory_order_relaxed);
}

inline constexpr std::size_t kMostRegions = kIsNarrow ? 16 : 512;  ///< in one piece
inline constexpr std::size_t kSomeRegions = kIsNarrow ? 2 : 32;

/// Address space that may still be had, as far as limits say, bytes.
inline std::size_t reservable_bytes() noexcept {
  // ThreadSanitizer leaves a program 1.5 TiB.
  constexpr std::size_t kHalfOfAll = std::size_t{1} << (kIsNarrow ? 31 : FLUX_THREAD_SANITIZER ? 40 : 46);
  const std::size_t all = std::min(page_source.address_limit(), kHalfOfAll);
  // relaxed: a number by itself; threads that come at once may each take their share of the same rest.
  return all - std::min(all, reserved_bytes.load(std::memory_order_relaxed));
}

/// Reserves as many regions at once as the system lets it, up to `most`; empty when not even one is to be had.
///
/// One large piece makes "is this address mine" a single comparison for nearly every object. Where address
/// space is scarce (`ulimit -v`, Valgrind, ThreadSanitizer after some dozen threads) the size falls, and a
/// piece never takes more than a sixteenth of what is left of that to the process, or of half the address
/// space of the processor, unless it is a single region.
inline Reservation reserve_regions(std::size_t most = kMostRegions) noexcept {
  constexpr std::size_t kSizes[] = {kMostRegions * kRegionBytes, kSomeRegions * kRegionBytes, kRegionBytes};
  const std::size_t left = reservable_bytes();
  for (const std::size_t bytes : kSizes) {
    if (bytes > most * kRegionBytes || (bytes > left / 16 && bytes != kRegionBytes)) continue;
    if (std::byte* begin = page_source.reserve(bytes, kRegionBytes)) {
      reserved_bytes.fetch_add(bytes, std::memory_order_relaxed);
      const Reservation piece{begin, bytes};
      if ((reinterpret_cast<std::uintptr_t>(begin) + (bytes - 1)) >> (kAddressBits - 1) < 2) return piece;
      release_regions(piece);
    }
  }
  return {};
}

}  // namespace flux::inline FLUX_ABI::detail
