#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/memory/Reservation.hpp>

namespace flux::inline FLUX_ABI::detail {

// Which regions of the address space are thread heaps', for those who ask about an address that may be anybody's.
//
//   bit r of the map is set  <=>  a thread heap opened region r, which it never closes
//
// A page of it, of 4 KiB, covers 1 TiB of address space: one or two are touched.
class RegionMap {
 public:
  /// Any thread.
  void add(const void* region) noexcept {
    const std::uintptr_t index = reinterpret_cast<std::uintptr_t>(region) / kRegionBytes;
    // relaxed: who asks about an object got its address through some synchronisation that comes after.
    if (index < kRegions) words_[index / 64].fetch_or(bit(index), std::memory_order_relaxed);
  }

  /// What add did, undone: for tests that release a heap's memory.
  void remove(const void* region) noexcept {
    const std::uintptr_t index = reinterpret_cast<std::uintptr_t>(region) / kRegionBytes;
    if (index < kRegions) words_[index / 64].fetch_and(~bit(index), std::memory_order_relaxed);
  }

  /// Whether an address lies in a region of a thread heap. Any address, any thread.
  bool holds(const void* address) const noexcept {
    return reinterpret_cast<std::uintptr_t>(address) / kRegionBytes < kRegions && holds_reserved(address);
  }

  /// The same of an address in what a heap has reserved, all of which the map covers.
  bool holds_reserved(const void* address) const noexcept {
    const std::uintptr_t index = reinterpret_cast<std::uintptr_t>(address) / kRegionBytes;
    // relaxed: as in add.
    return (words_[index / 64].load(std::memory_order_relaxed) & bit(index)) != 0;
  }

 private:
  static constexpr std::uintptr_t kRegions = (std::uintptr_t{1} << (kAddressBits - 1)) / (kRegionBytes / 2);

  static constexpr std::uint64_t bit(std::uintptr_t index) noexcept { return std::uint64_t{1} << index % 64; }

  std::array<std::atomic<std::uint64_t>, kRegions / 64> words_{};
};

inline constinit RegionMap region_map;

}  // namespace flux::inline FLUX_ABI::detail
