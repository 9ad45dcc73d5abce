#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <flux/detail/memory/Reservation.hpp>
#include <flux/detail/slab/Region.hpp>

namespace flux::detail {

// The regions of one thread heap, and the slabs cut from them, lowest address first. The owner's alone.
//
// Address space is reserved by the piece, opened by the region, committed by the block of 2 MiB and touched
// by the page. The first block of a heap lies in small pages, so that a thread with a hundred objects costs
// some ten KiB; all later ones ask for huge pages, which make first touch several times cheaper. For that
// reason the first block is left before it is full: its last units stay unused.
//
//   a unit is free in its region's map, or belongs to the header, the heap's own state or one slab, or is one
//   of the first block's last
//   no region before with_room_[i] has 2^i free units that lie together
class SlabSource {
 public:
  /// Opens the first region, for a heap that will live in it. Requires an empty source. False, with nothing
  /// kept, when address space or memory is out.
  bool open_first() noexcept {
    main_ = reserve_regions();
    if (main_.begin == nullptr) return false;
    unopened_ = main_;
    if (open_next()) return true;
    page_source.release(main_.begin, main_.bytes);
    *this = SlabSource{};
    return false;
  }

  /// Memory for the heap's own state: 8 units of the first region, zero and not yet touched.
  std::byte* take_heap_units() noexcept { return first_->unit(first_->take_units(kHeapUnits)); }

  /// Names the owner, in every region opened so far and later.
  void set_owner(ThreadHeap* owner) noexcept {
    owner_ = owner;
    for (Region* region = first_; region != nullptr; region = region->next) region->owner = owner;
  }

  /// A slab of the class with all objects home, or nullptr when memory is out.
  Slab* carve(unsigned size_class) noexcept {
    const std::uint32_t units = kSizeClassInfo[size_class].units;
    Region*& with_room = with_room_[std::bit_width(units) - 1];
    for (;;) {
      const std::size_t index = with_room->take_units(units);
      if (index != kUnitsPerRegion) return carve_at(*with_room, index, size_class);
      if (with_room->next == nullptr && open_next() == nullptr) return nullptr;
      with_room = with_room->next;
    }
  }

  /// Takes back a slab whose objects are all home. Requires that it is in no list.
  void retire(Slab& slab) noexcept {
    Region* region = Region::of(&slab);
    slab.capacity = 0;
    region->give_units(static_cast<std::size_t>(&slab - region->slabs),
                       kSizeClassInfo[slab.size_class].units);
    for (Region*& with_room : with_room_) {
      if (region->sequence < with_room->sequence) with_room = region;
    }
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
    for (const Region* region = first_; region != nullptr; region = region->next) {
      for (unsigned i = 0; i != with_room_.size(); ++i) {
        const bool may_have_room = region->sequence >= with_room_[i]->sequence;
        if (!may_have_room && region->find_units(std::size_t{1} << i) != kUnitsPerRegion) return false;
      }
      std::size_t used = kHeaderUnits;
      if (region == first_) used += kHeapUnits + kBlockUnits - kSmallUnits;
      for (std::size_t u = kHeaderUnits; u < region->committed_units; ++u) {
        if (region->slabs[u].capacity != 0) used += kSizeClassInfo[region->slabs[u].size_class].units;
      }
      std::size_t free = 0;
      for (const std::uint64_t word : region->free_units)
        free += static_cast<std::size_t>(std::popcount(word));
      if (used + free != kUnitsPerRegion) return false;
    }
    return true;
  }

  static constexpr std::size_t kHeapUnits = 8;
  /// Units of the first block that are used: what a heap can hold before it grows by huge pages.
  static constexpr std::size_t kSmallUnits = 24;

 private:
  static constexpr std::uint32_t kBlockUnits = kHugePageBytes / kUnitBytes;

  Slab* carve_at(Region& region, std::size_t index, unsigned size_class) noexcept {
    const std::uint32_t units = kSizeClassInfo[size_class].units;
    while (region.committed_units < index + units) {
      if (!commit_block(region.unit(region.committed_units), true)) {
        region.give_units(index, units);
        return nullptr;
      }
      region.committed_units += kBlockUnits;
    }
    Slab& slab = region.slabs[index];
    slab.carve(region.unit(index), size_class);
    for (std::uint32_t u = 1; u < units; ++u) (&slab)[u].units_back = static_cast<std::uint8_t>(u);
    return &slab;
  }

  static bool commit_block(std::byte* begin, bool huge) noexcept {
    if (!page_source.commit(begin, kHugePageBytes)) return false;
    page_source.advise_huge(begin, kHugePageBytes, huge);
    return true;
  }

  Region* open_next() noexcept {
    if (unopened_.bytes == 0) unopened_ = reserve_regions();
    if (unopened_.bytes == 0 || !commit_block(unopened_.begin, first_ != nullptr)) return nullptr;
    Region* region = Region::open(unopened_.begin, owner_, regions_++, kBlockUnits);
    unopened_.begin += kRegionBytes;
    unopened_.bytes -= kRegionBytes;
    if (first_ == nullptr) {
      region->withhold_units(kSmallUnits, kBlockUnits);
      first_ = region;
      with_room_.fill(region);
    } else {
      last_->next = region;
    }
    return last_ = region;
  }

  Reservation main_{};
  Reservation unopened_{};  ///< what is left of the newest piece
  ThreadHeap* owner_ = nullptr;
  Region* first_ = nullptr;
  Region* last_ = nullptr;
  std::array<Region*, 4> with_room_{};  ///< for slabs of 1, 2, 4 and 8 units
  std::uint32_t regions_ = 0;
};

}  // namespace flux::detail
