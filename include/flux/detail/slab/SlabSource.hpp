#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/Settings.hpp>
#include <flux/detail/base/Trace.hpp>
#include <flux/detail/memory/Reservation.hpp>
#include <flux/detail/slab/Region.hpp>
#include <flux/detail/slab/RegionMap.hpp>

namespace flux::inline FLUX_ABI::detail {

// The regions of one thread heap, and the slabs cut from them, lowest address first; free units go back to the
// system highest first. Whoever holds the heap's lock.
//
// Address space is reserved by the piece, opened by the region, committed by the block of 2 MiB and touched
// by the page. A heap begins in small pages, so that a thread with a hundred objects costs some ten KiB, and
// goes on in huge ones, which make first touch several times cheaper.
//
//   a unit is free in its region's map, withheld, or belongs to the header, the heap's own state or one slab
//   no region before with_room_[i] has 2^i free units that lie together
//   dirty_units_ == dirty units of all regions;  no region behind last_dirty_ has any, but for last_block_
//   blocks of committed units of all regions == committed_blocks_
//   units_left_ + units of slabs + units that were taken from the budget == the budget: whose it is checks that
class SlabSource {
 public:
  // What a call may do to give memory back, in calls to the system: none does unbounded work, but where all has to go.
  static constexpr unsigned kMostDiscards = 8;
  static constexpr unsigned kAllDiscards = ~0u;

  /// A thread heap's: never closed, and known to region_map.
  SlabSource() noexcept = default;

  /// One that is closed some day, and whose slabs take no more than so many units. In smaller pieces, because nobody
  /// asks whether an address lies in the first.
  static SlabSource of_instance(std::uint32_t most_units) noexcept {
    SlabSource source;
    source.is_thread_heaps_ = false;
    source.units_left_ = most_units;
    return source;
  }

  /// Opens the first region, for a heap that will live in it. Requires an empty source. False, with nothing
  /// kept, when address space or memory is out.
  bool open_first() noexcept {
    if (open_next() != nullptr) return true;
    if (unopened_.bytes != 0) release_regions(unopened_);
    unopened_ = main_ = {};
    reserved_bytes_ = 0;
    return false;
  }

  /// Memory for the heap's own state: 8 units of the first region, zero and not yet touched.
  std::byte* take_heap_units() noexcept {
    dirty_units_ -= first_->take_units(kHeapIndex, kHeapUnits);
    return first_->unit(kHeapIndex);
  }

  /// Where the heap lies that an address of its first region belongs to.
  static const void* heap_with(const void* address) noexcept { return Region::of(address)->unit(kHeapIndex); }

  /// Names the owner, in every region opened so far and later.
  void set_owner(ThreadHeap* owner) noexcept {
    owner_ = owner;
    for (Region* region = first_; region != nullptr; region = region->next) region->owner = owner;
  }

  /// A slab of the class with all objects home, or nullptr when memory is out.
  Slab* carve(unsigned size_class) noexcept {
    const std::uint32_t units = kSizeClassInfo[size_class].units;
    if (units > units_left_) return nullptr;
    Region*& with_room = with_room_[static_cast<std::size_t>(std::bit_width(units)) - 1];
    for (;;) {
      const std::size_t index = with_room->find_units(units);
      if (index != kUnitsPerRegion) return carve_at(*with_room, index, size_class);
      if (with_room->next == nullptr && open_next() == nullptr) return nullptr;
      with_room = with_room->next;
    }
  }

  /// Takes back a slab whose objects are all home. Requires that it is in no list.
  void retire(Slab& slab) noexcept {
    Region* const region = Region::of(&slab);
    const std::uint32_t units = kSizeClassInfo[slab.size_class].units;
    const auto index = static_cast<std::size_t>(&slab - region->slabs);
    slab.capacity = 0;
    units_left_ += units;
    region->give_units(index, units);
    dirty_units_ += units;
    use_last(*region, index);
    is_fresh_ = false;
    for (std::size_t i = 0; i != with_room_.size(); ++i) {
      Region*& with_room = with_room_[i];
      // Only with such room: carve would go through all full regions behind it otherwise.
      if (region->sequence < with_room->sequence &&
          region->find_units(std::size_t{1} << i) != kUnitsPerRegion)
        with_room = region;
    }
  }

  /// Counts units that are not slabs' against the budget; false when so many are not left.
  bool take_budget(std::uint32_t units) noexcept {
    if (units > units_left_) return false;
    units_left_ -= units;
    return true;
  }
  void give_budget(std::uint32_t units) noexcept { units_left_ += units; }

  /// What is left of the budget, bytes.
  std::size_t left_bytes() const noexcept { return std::size_t{units_left_} * kUnitBytes; }

  /// Gives everything back to the system. What was in the regions is gone, `source` itself, from which this was
  /// copied, if it lies there.
  static void close(SlabSource source) noexcept {  // NOLINT(performance-unnecessary-value-param)
    for (Region* region = source.first_; region != nullptr;) {
      Region* const piece = region;
      const std::size_t bytes = piece->piece_bytes;
      do {
        split_block_count.give(static_cast<std::uint32_t>(std::popcount(region->split_blocks)));
        for (std::uint32_t unit = 0; unit != region->committed_units; unit += kBlockUnits) {
          page_source.uncommit(region->unit(unit), kHugePageBytes);
        }
        if constexpr (FLUX_TRACE) trace(TraceEvent::kCloseRegion, heap_with(source.first_), 0, kRegionBytes);
        region = region->next;
      } while (region != nullptr && region->piece_bytes == 0);
      release_regions({piece->begin(), bytes});
    }
    // A piece whose first region could not be opened has none that would name it.
    if (source.unopened_.bytes == source.piece_bytes_) release_regions(source.unopened_);
  }

  /// Free memory that has not gone back to the system, at most; bytes.
  std::size_t retained_bytes() const noexcept { return std::size_t{dirty_units_} * kUnitBytes; }

  /// Gives free memory back until no more than `limit` bytes are retained, with at most `steps` calls to the
  /// system and looks at regions; returns the bytes given. Spares the block that was used last, where the
  /// limit leaves room for it: it is about to be filled, or about to become free as a whole, and half a huge
  /// page goes back at the price of the other half.
  std::size_t discard_above(std::size_t limit, unsigned steps) noexcept {
    const std::size_t before = retained_bytes();
    if (limit < kHugePageBytes && !is_fresh_) spare_no_block();
    for (; steps != 0 && retained_bytes() > limit && last_dirty_ != nullptr; --steps) {
      if (!discard_run(*last_dirty_)) {
        last_dirty_ = last_dirty_->previous;
      } else if (!last_dirty_->has_dirty_units()) {
        discard_records(*last_dirty_);
      }
    }
    return before - retained_bytes();
  }

  /// The same, where more than `limit` is retained; whether anything was given.
  bool keep_limit(std::size_t limit, unsigned steps) noexcept {
    return retained_bytes() > limit && discard_above(limit, steps) != 0;
  }

  /// Forgets which block was used last.
  void spare_no_block() noexcept {
    if (last_block_ != nullptr) note_dirty(*Region::of(last_block_));
    last_block_ = nullptr;
  }

  /// Gives all free memory back, and the records of regions without slabs; returns the bytes given. Not
  /// bounded.
  std::size_t discard_all() noexcept {
    spare_no_block();
    const std::size_t bytes = discard_above(0, kAllDiscards);
    for (Region* region = first_->next; region != nullptr; region = region->next) discard_records(*region);
    return bytes;
  }

  /// Memory that the system counts as the process's, resident or not, and address space; bytes. Any thread.
  std::size_t committed_bytes() const noexcept { return std::size_t{committed_blocks_} * kHugePageBytes; }
  std::size_t reserved_bytes() const noexcept { return reserved_bytes_; }

  /// Whether an address lies in one of the regions. Takes time with these.
  bool holds(const void* address) const noexcept {
    const Region* region = first_;
    while (region != nullptr && region != Region::of(address)) region = region->next;
    return region != nullptr;
  }

  /// Whether the heap has never grown beyond its first block.
  bool is_within_a_block() const noexcept {
    return first_ == last_ && first_->committed_units == kBlockUnits;
  }

  /// The piece the heap began with, where nearly all of its objects lie.
  const Reservation& main_reservation() const noexcept { return main_; }

  /// Calls `visit(Slab&)` for each slab in use, lowest address first within a piece.
  template <class Visit>
  void for_each_slab(Visit visit) const {
    for (Region* region = first_; region != nullptr; region = region->next) {
      for (std::size_t u = kHeaderUnits; u < region->committed_units; ++u) {
        if (region->slabs[u].capacity != 0) visit(region->slabs[u]);
      }
    }
  }

  /// The equations above.
  bool is_valid() const noexcept {
    std::uint32_t dirty = 0, committed = 0;
    bool may_be_dirty = last_dirty_ != nullptr;
    for (const Region* region = first_; region != nullptr; region = region->next) {
      for (unsigned i = 0; i != with_room_.size(); ++i) {
        const bool may_have_room = region->sequence >= with_room_[i]->sequence;
        if (!may_have_room && region->find_units(std::size_t{1} << i) != kUnitsPerRegion) return false;
      }
      if (!region->is_valid(region == first_ ? kHeapUnits : 0)) return false;
      committed += region->committed_units / static_cast<std::uint32_t>(kBlockUnits);
      for (std::size_t w = 0; w != kUnitsPerRegion / 64; ++w) {
        dirty += static_cast<std::uint32_t>(std::popcount(region->dirty_units[w]));
        if (!may_be_dirty && (region->dirty_units[w] & ~spared(*region, w)) != 0) return false;
      }
      may_be_dirty = may_be_dirty && region != last_dirty_;
    }
    return dirty == dirty_units_ && committed == committed_blocks_;
  }

  static constexpr std::size_t kHeapUnits = 8;
  /// Of the first unit of the heap's own: the first aligned ones behind the header.
  static constexpr std::size_t kHeapIndex = (kHeaderUnits + kHeapUnits - 1) / kHeapUnits * kHeapUnits;

 private:
  Slab* carve_at(Region& region, std::size_t index, unsigned size_class) noexcept {
    const std::uint32_t units = kSizeClassInfo[size_class].units;
    while (region.committed_units < index + units) {
      if (!region.commit_next()) return nullptr;
      committed_blocks_ += 1;
    }
    units_left_ -= units;
    use_last(region, index);
    is_fresh_ = true;
    dirty_units_ += region.note_touch(index);
    dirty_units_ -= region.take_units(index, units);
    region.has_records = true;
    Slab& slab = region.slabs[index];
    slab.carve(region.unit(index), size_class);
    for (std::uint32_t u = 1; u < units; ++u) (&slab)[u].units_back = static_cast<std::uint8_t>(u);
    return &slab;
  }

  /// Notes that the unit's block is the one used last.
  void use_last(Region& region, std::size_t index) noexcept {
    std::byte* const block = region.unit(index & ~(kBlockUnits - 1));
    if (last_block_ != nullptr && last_block_ != block) note_dirty(*Region::of(last_block_));
    last_block_ = block;
    note_dirty(region);
  }

  void discard_records(Region& region) noexcept {
    if (&region != first_ && region.has_records && region.is_unused()) region.discard_records();
  }

  void note_dirty(Region& region) noexcept {
    if (last_dirty_ == nullptr || region.sequence > last_dirty_->sequence) last_dirty_ = &region;
  }

  /// The units of a word of the region's maps that discard_above leaves alone.
  std::uint64_t spared(const Region& region, std::size_t word) const noexcept {
    if (last_block_ == nullptr || Region::of(last_block_) != &region) return 0;
    const auto unit = (reinterpret_cast<std::uintptr_t>(last_block_) & (kRegionBytes - 1)) / kUnitBytes;
    return unit / 64 == word ? Region::block_mask(unit) : 0;
  }

  /// Discards the highest dirty units in a row within a block; false when there is none.
  bool discard_run(Region& region) noexcept {
    for (std::size_t w = kUnitsPerRegion / 64; w-- != 0;) {
      const std::uint64_t dirty = region.dirty_units[w] & ~spared(region, w);
      if (dirty == 0) continue;
      const auto highest = static_cast<unsigned>(std::bit_width(dirty)) - 1;
      const std::uint64_t in_block = dirty & Region::block_mask(highest);
      const auto count = static_cast<unsigned>(std::countl_one(in_block << (63 - highest)));
      const std::size_t index = w * 64 + highest + 1 - count;
      dirty_units_ -= region.discard_units(index, count);
      return true;
    }
    return false;
  }

  Region* open_next() noexcept {
    if (unopened_.bytes == 0) {
      unopened_ = reserve_regions(is_thread_heaps_ ? kMostRegions : kSomeRegions);
      if (unopened_.bytes == 0) return nullptr;
      if (regions_ == 0) main_ = unopened_;
      reserved_bytes_ += unopened_.bytes;
      piece_bytes_ = unopened_.bytes;
    }
    Region* const region = Region::open(unopened_.begin, owner_, regions_, small_units());
    if (region == nullptr) return nullptr;
    region->magic = is_thread_heaps_ ? Region::kMagic : Region::kInstanceMagic;
    region->piece_bytes = unopened_.bytes == piece_bytes_ ? piece_bytes_ : 0;
    if (is_thread_heaps_) region_map.add(region);
    ++regions_;
    committed_blocks_ += 1;
    unopened_.begin += kRegionBytes;
    unopened_.bytes -= kRegionBytes;
    dirty_units_ += static_cast<std::uint32_t>(std::popcount(region->dirty_units[0]));
    region->previous = last_;
    if (first_ == nullptr) {
      first_ = region;
      with_room_.fill(region);
    } else {
      last_->next = region;
    }
    last_ = region;
    use_last(*region, 0);
    if constexpr (FLUX_TRACE) trace(TraceEvent::kOpenRegion, heap_with(first_), 0, kRegionBytes);
    return region;
  }

  /// Units of the region to be opened next that lie in small pages. Of the first, at least those of the header
  /// and the heap itself.
  std::uint32_t small_units() const noexcept {
    const std::size_t from = huge_pages_from.get();
    const std::size_t wanted = from < kUnitBytes ? 0 : from / kUnitBytes + (kHeapIndex - kHeapUnits);
    const std::size_t before = std::size_t{regions_} * kUnitsPerRegion;
    if (wanted <= before) return 0;
    const std::size_t least = regions_ == 0 ? kHeapIndex + kHeapUnits : kHeaderUnits;
    return static_cast<std::uint32_t>(std::clamp(wanted - before, least, kUnitsPerRegion));
  }

  Reservation main_{};
  Reservation unopened_{};  ///< what is left of the newest piece
  ThreadHeap* owner_ = nullptr;
  Region* first_ = nullptr;
  Region* last_ = nullptr;
  std::array<Region*, std::bit_width(kMostSlabUnits)> with_room_{};  ///< for slabs of 1, 2, 4, ... units
  Region* last_dirty_ = nullptr;
  std::byte* last_block_ = nullptr;  ///< where a unit was taken or given back last
  bool is_fresh_ = false;            ///< it was taken, and may not have been touched yet: nothing to discard
  std::uint32_t regions_ = 0;
  bool is_thread_heaps_ = true;
  std::uint32_t units_left_ = UINT32_MAX;
  std::size_t piece_bytes_ = 0;  ///< of the newest
  Count<std::uint32_t> dirty_units_ = 0;
  Count<std::uint32_t> committed_blocks_ = 0;
  Count<std::size_t> reserved_bytes_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
