#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/LocalThread.hpp>

namespace flux::inline FLUX_ABI::detail {

// What every unit of a thread heap's regions was used for at one moment, and what the heap's numbers were then.
//
// Copied while the caller holds the heap's lock, and nothing is asked of `operator new` meanwhile: a program's own may come to
// flux, and wait for that lock.

enum class UnitUse : std::uint8_t {
  kReserved,   ///< address space alone
  kCommitted,  ///< free, and takes no memory
  kRetained,   ///< free, and perhaps still resident
  kWithheld,   ///< left unused where a heap changes from small pages to huge ones
  kOwn,        ///< holds records of slabs, or the heap's own state
  kSlab,
};

struct UnitState {
  UnitUse use;
  std::uint8_t size_class;  ///< of a slab that begins here, as what follows
  std::uint32_t home;       ///< objects that its slab may hand out
};

struct RegionSnapshot {
  const std::byte* begin;
  std::array<UnitState, kUnitsPerRegion> units;
};

struct HeapNumbers {
  bool is_owned;
  std::size_t slabs;
  std::size_t committed_bytes;
  std::size_t retained_bytes;
};

struct HeapSnapshot {
  const ThreadHeap* heap;
  HeapNumbers numbers;                  ///< of different moments where the heap could not be looked at
  std::vector<RegionSnapshot> regions;  ///< in the order they were opened; empty where it could not
};

/// Of one moment if nobody else works on the heap's slabs.
inline HeapNumbers numbers_of(const ThreadHeap& heap) noexcept {
  const SlabSource& source = heap.home().source();
  std::size_t slabs = 0;
  for (unsigned c = 0; c != kSizeClasses; ++c) slabs += heap.home().slabs(c);
  return {heap.is_owned(), slabs, source.committed_bytes(), source.retained_bytes()};
}

/// The use of a unit that belongs to no slab, or that one begins in.
inline UnitState state_of_unit(const Region& region, std::size_t unit, bool is_first) noexcept {
  const auto has = [unit](const std::uint64_t* map) { return (map[unit / 64] >> unit % 64 & 1) != 0; };
  if (unit < kHeaderUnits || (is_first && unit - SlabSource::kHeapIndex < SlabSource::kHeapUnits))
    return {UnitUse::kOwn, 0, 0};
  if (unit >= region.committed_units) return {UnitUse::kReserved, 0, 0};
  if (has(region.free_units))
    return {has(region.dirty_units) ? UnitUse::kRetained : UnitUse::kCommitted, 0, 0};
  const Slab& slab = region.slabs[unit];
  if (slab.capacity == 0) return {UnitUse::kWithheld, 0, 0};
  return {UnitUse::kSlab, slab.size_class, slab.free};
}

inline std::size_t units_of(const UnitState& unit) noexcept {
  return unit.use == UnitUse::kSlab ? kSizeClassInfo[unit.size_class].units : 1;
}

/// Requires that nobody else works on the heap's slabs.
inline void copy_region(const Region& region, bool is_first, RegionSnapshot& copy) noexcept {
  copy.begin = reinterpret_cast<const std::byte*>(&region);
  for (std::size_t u = 0; u != kUnitsPerRegion;) {
    const UnitState state = state_of_unit(region, u, is_first);
    for (const std::size_t end = u + units_of(state); u != end; ++u) copy.units[u] = state;
  }
}

/// Copies the numbers, and as many regions as there is room for; returns how many the heap has, 0 when it could not be looked
/// at. `wait` is one for all heaps: where no fork can be kept out, each would wait to the end.
inline std::size_t copy_heap(ThreadHeap& heap, HeapSnapshot& copy, Wait& wait) noexcept {
  copy.numbers = numbers_of(heap);
  const bool is_mine = local_thread.owns(heap);
  while (!is_mine && !foreign_work.begin(heap)) {  // somebody forks
    if (wait.is_over()) return 0;
    wait.once();
  }
  std::size_t count = 0;
  if (heap.lock_slabs(is_mine)) {
    copy.numbers = numbers_of(heap);
    for (const Region* region = Region::of(&heap); region != nullptr; region = region->next, ++count)
      if (count < copy.regions.size()) copy_region(*region, count == 0, copy.regions[count]);
    heap.unlock_slabs();
  }
  if (!is_mine) foreign_work.end();
  return count;
}

/// Any thread. Throws std::bad_alloc.
inline HeapSnapshot snapshot_of(ThreadHeap& heap, Wait& wait) {
  constexpr std::size_t kSpare = 4;  // the heap may grow while room is made
  HeapSnapshot snapshot{&heap, {}, {}};
  std::size_t count = heap.home().source().committed_bytes() / kRegionBytes + 1;
  do {
    snapshot.regions.resize(count + kSpare);
    count = copy_heap(heap, snapshot, wait);
  } while (count > snapshot.regions.size());
  snapshot.regions.resize(count);
  return snapshot;
}

}  // namespace flux::inline FLUX_ABI::detail
