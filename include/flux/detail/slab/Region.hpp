#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <flux/detail/memory/Reservation.hpp>
#include <flux/detail/slab/Slab.hpp>

namespace flux::detail {

class ThreadHeap;

inline constexpr std::size_t kUnitsPerRegion = kRegionBytes / kUnitBytes;

// A region is kRegionBytes of address space at a multiple of kRegionBytes. It begins with this header, which
// describes it to whoever finds it by masking an object's address: another thread, or another copy of the
// library in the process.
//
//   | header | records of all units | units that slabs are cut from ... |
//
//   bit u of free_units is set  <=>  unit u belongs to no slab and not to the header, and is not withheld
//   units below committed_units are accessible, those above cost nothing
//
// The first line never changes after the region is opened, so any thread may read it: whoever holds an object
// got its address through some synchronisation that comes after. All else belongs to the owner.
struct Region {
  // "flux.rg1": the layout's version is the last digit.
  static constexpr std::uint64_t kMagic = 0x666C'7578'2E72'6731;

  std::uint64_t magic;
  ThreadHeap* owner;

  alignas(128) Region* next;  ///< the owner's regions, in the order they were opened
  std::uint32_t sequence;     ///< place in that order
  std::uint32_t committed_units;
  std::uint64_t free_units[kUnitsPerRegion / 64];
  alignas(64) Slab slabs[kUnitsPerRegion];

  /// The region that an object of any slab lies in.
  static Region* of(const void* object) noexcept {
    return reinterpret_cast<Region*>(reinterpret_cast<std::uintptr_t>(object) & ~(kRegionBytes - 1));
  }

  /// The record of the slab that an object lies in.
  static Slab& slab_of(const void* object) noexcept {
    Slab* record =
        &of(object)->slabs[(reinterpret_cast<std::uintptr_t>(object) & (kRegionBytes - 1)) / kUnitBytes];
    return *(record - record->units_back);
  }

  /// The record of the slab or unused unit behind a slab in its region, or nullptr behind the last.
  static Slab* slab_behind(Slab& slab) noexcept {
    Region* const region = of(&slab);
    Slab* const behind = &slab + kSizeClassInfo[slab.size_class].units;
    return behind == region->slabs + kUnitsPerRegion ? nullptr : behind;
  }

  /// Makes a region of fresh, accessible, zero memory: only the header is written.
  static Region* open(std::byte* at, ThreadHeap* owner, std::uint32_t sequence,
                      std::uint32_t committed) noexcept;

  std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
  std::byte* unit(std::size_t index) noexcept { return begin() + index * kUnitBytes; }

  /// Where the lowest `count` free units (1, 2, 4 or 8, aligned to their number) lie together, or
  /// kUnitsPerRegion when there are none.
  std::size_t find_units(std::size_t count) const noexcept {
    for (std::size_t w = 0; w != kUnitsPerRegion / 64; ++w) {
      std::uint64_t runs = free_units[w];
      for (std::size_t half = 1; half < count; half *= 2) runs &= runs >> half;
      runs &= aligned_starts(count);
      if (runs != 0) return w * 64 + static_cast<unsigned>(std::countr_zero(runs));
    }
    return kUnitsPerRegion;
  }

  /// Takes what find_units finds; its answer.
  std::size_t take_units(std::size_t count) noexcept {
    const std::size_t index = find_units(count);
    if (index != kUnitsPerRegion) free_units[index / 64] &= ~(units_mask(count) << index % 64);
    return index;
  }

  /// Keeps units [first, last) of a new region out of use. Requires last <= 64.
  void withhold_units(std::size_t first, std::size_t last) noexcept {
    free_units[0] &= ~(units_mask(last - first) << first);
  }

  void give_units(std::size_t index, std::size_t count) noexcept {
    free_units[index / 64] |= units_mask(count) << index % 64;
  }

 private:
  static constexpr std::uint64_t units_mask(std::size_t count) noexcept {
    return (std::uint64_t{1} << count) - 1;
  }
  static constexpr std::uint64_t aligned_starts(std::size_t count) noexcept {
    return ~std::uint64_t{0} / units_mask(count);
  }
};

/// Units at the start of a region that its header and records take.
inline constexpr std::size_t kHeaderUnits = (sizeof(Region) + kUnitBytes - 1) / kUnitBytes;

inline Region* Region::open(std::byte* at, ThreadHeap* owner, std::uint32_t sequence,
                            std::uint32_t committed) noexcept {
  auto* region = reinterpret_cast<Region*>(at);
  region->magic = kMagic;
  region->owner = owner;
  region->next = nullptr;
  region->sequence = sequence;
  region->committed_units = committed;
  for (std::uint64_t& word : region->free_units) word = ~std::uint64_t{0};
  region->free_units[0] <<= kHeaderUnits;
  return region;
}

static_assert(std::is_trivial_v<Region>);
// Two lines apart, because processors fetch lines in pairs.
static_assert(offsetof(Region, next) == 128,
              "what other threads read shares no line with what the owner writes");

}  // namespace flux::detail
