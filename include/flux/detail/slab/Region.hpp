#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/memory/Reservation.hpp>
#include <flux/detail/slab/Slab.hpp>

namespace flux::inline FLUX_ABI::detail {

class ThreadHeap;

inline constexpr std::size_t kUnitsPerRegion = kRegionBytes / kUnitBytes;
inline constexpr std::size_t kBlockUnits = kHugePageBytes / kUnitBytes;  ///< what is committed at once

// How many blocks of all regions ask for small pages where their neighbours ask for huge ones. Each costs the process up to two
// mappings more, of which it may have some 65,000 (vm.max_map_count), its threads' stacks and all else included: beyond a quarter of
// that blocks stay as they are.
class SplitBlockCount {
 public:
  static constexpr std::uint32_t kMost = 16'384;

  // relaxed, all here: a number by itself.

  /// False when there are enough.
  bool take() noexcept {
    if (count_.fetch_add(1, std::memory_order_relaxed) < kMost) return true;
    count_.fetch_sub(1, std::memory_order_relaxed);
    was_refused_.store(true, std::memory_order_relaxed);
    return false;
  }
  void give(std::uint32_t count) noexcept { count_.fetch_sub(count, std::memory_order_relaxed); }

  /// Whether it ever was: a block may be as it is for that.
  bool was_refused() const noexcept { return was_refused_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> count_{0};
  std::atomic<bool> was_refused_{false};
};

inline constinit SplitBlockCount split_block_count;

// A region is kRegionBytes of address space at a multiple of kRegionBytes. It begins with this header, which
// describes it to whoever finds it by masking an object's address: another thread, or another copy of the
// library in the process.
//
//   | header | records of all units | units that slabs are cut from ... |
//
//   bit u of free_units is set   <=>  unit u belongs to no slab, not to the header, and is not withheld
//   bit u of dirty_units is set   =>  unit u is free; a free unit whose bit is clear takes no memory
//   units below committed_units are accessible, those above cost nothing
//   blocks that begin below small_units ask for small pages, the others for huge ones, but for those whose bit in
//   split_blocks is set; in a block that both would share, units from small_units on are withheld
//   bit b of split_blocks is set  <=>  block b begins at small_units or above, and some of it, not all, is free
//   and takes no memory: the kernel would fill it up again to make a huge page of it; but there may be too many such
//   blocks (SplitBlockCount)
//
// The first line never changes after the region is opened, so any thread may read it: whoever holds an object
// got its address through some synchronisation that comes after. All else belongs to the owner.
struct Region {
  // "flux.rg", "flux.Rg" of a checked build, and "flux.Ag" of one that tells AddressSanitizer of objects; then the version of all
  // that is found by way of a region, the owner included.
  static constexpr std::uint64_t kMagic = (!FLUX_CHECKED            ? 0x666C'7578'2E72'6730
                                           : FLUX_ADDRESS_SANITIZER ? 0x666C'7578'2E41'6730
                                                                    : 0x666C'7578'2E52'6730) +
                                          FLUX_LAYOUT;
  // "flux.ri": of a heap that no object finds by its address.
  static constexpr std::uint64_t kInstanceMagic = 0x666C'7578'2E72'6930 + FLUX_LAYOUT;

  std::uint64_t magic;
  ThreadHeap* owner;

  alignas(128) Region* next;  ///< the owner's regions, in the order they were opened
  Region* previous;
  std::uint32_t sequence;  ///< place in that order
  std::uint32_t committed_units;
  std::uint32_t small_units;
  std::uint32_t split_blocks;
  std::size_t piece_bytes;  ///< address space reserved with it: of the first region of a piece, else 0
  bool has_records;         ///< a slab was cut here since the records went back
  std::uint64_t free_units[kUnitsPerRegion / 64];
  std::uint64_t dirty_units[kUnitsPerRegion / 64];
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
  static Region* open(std::byte* at, ThreadHeap* owner, std::uint32_t sequence, std::uint32_t small) noexcept;

  std::byte* begin() noexcept { return reinterpret_cast<std::byte*>(this); }
  std::byte* unit(std::size_t index) noexcept { return begin() + index * kUnitBytes; }

  /// Where the lowest `count` free units (a power of two up to 32, aligned to their number) lie together, or
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

  /// Takes free units; returns how many of them were dirty.
  std::uint32_t take_units(std::size_t index, std::size_t count) noexcept {
    const std::uint64_t mask = units_mask(count) << index % 64;
    const auto dirty = static_cast<std::uint32_t>(std::popcount(dirty_units[index / 64] & mask));
    free_units[index / 64] &= ~mask;
    dirty_units[index / 64] &= ~mask;
    if (split_blocks != 0) advise_block(index);
    return dirty;
  }

  /// Gives back units of a slab: they are free, and dirty.
  void give_units(std::size_t index, std::size_t count) noexcept {
    const std::uint64_t mask = units_mask(count) << index % 64;
    free_units[index / 64] |= mask;
    dirty_units[index / 64] |= mask;
  }

  /// Commits the next block; false when the system refuses.
  bool commit_next() noexcept;

  /// To be called before a unit is touched: a huge page becomes resident as a whole, and so do the free units of
  /// a block that has no memory yet. Returns how many became dirty. The first block always has the header's.
  std::uint32_t note_touch(std::size_t index) noexcept {
    const std::uint64_t block = block_mask(index);
    const std::size_t w = index / 64;
    if (index < small_units || index < kBlockUnits) return 0;
    if ((free_units[w] & block) != block || (dirty_units[w] & block) != 0) return 0;
    dirty_units[w] |= block;
    return kBlockUnits;
  }

  /// Gives the memory of dirty units back; returns `count`.
  std::uint32_t discard_units(std::size_t index, std::uint32_t count) noexcept {
    dirty_units[index / 64] &= ~(units_mask(count) << index % 64);
    page_source.discard(unit(index), count * kUnitBytes);
    advise_block(index);
    return count;
  }

  bool has_dirty_units() const noexcept {
    std::uint64_t any = 0;
    for (const std::uint64_t word : dirty_units) any |= word;
    return any != 0;
  }

  /// Gives the memory of the records back. Requires is_unused(): records of unused slabs may be zero.
  void discard_records() noexcept;

  /// Whether no slab lies here. Not to be asked of a heap's first region, where the heap itself lies.
  bool is_unused() const noexcept { return free_count() + withheld() + header_units() == kUnitsPerRegion; }

  /// The equations above. `other_units` belong neither to the header nor to slabs.
  bool is_valid(std::size_t other_units) const noexcept;

  /// The units of a block, as bits of the word of the maps that the block's `unit` is in.
  static constexpr std::uint64_t block_mask(std::size_t unit) noexcept {
    return units_mask(kBlockUnits) << (unit % 64 & ~(kBlockUnits - 1));
  }

  /// Units at the start of a region that its header and records take.
  static constexpr std::size_t header_units() noexcept;

 private:
  std::size_t free_count() const noexcept {
    std::size_t count = 0;
    for (const std::uint64_t word : free_units) count += static_cast<std::size_t>(std::popcount(word));
    return count;
  }
  bool is_split(std::size_t block_index) const noexcept {
    const std::uint64_t block = block_mask(block_index);
    const std::uint64_t untouched = free_units[block_index / 64] & ~dirty_units[block_index / 64] & block;
    return block_index >= small_units && untouched != 0 && untouched != block;
  }

  /// Asks for the pages that the block of a unit wants now, if those are not what it asked for last.
  void advise_block(std::size_t index) noexcept {
    const std::size_t first = index & ~(kBlockUnits - 1);
    const std::uint32_t bit = std::uint32_t{1} << first / kBlockUnits;
    const bool is_small = is_split(first);
    if (is_small == ((split_blocks & bit) != 0)) return;
    if (is_small && !split_block_count.take()) return;
    if (!is_small) split_block_count.give(1);
    split_blocks ^= bit;
    page_source.advise_huge(unit(first), kHugePageBytes, !is_small);
  }

  std::size_t withheld() const noexcept { return (0 - std::size_t{small_units}) % kBlockUnits; }

  static constexpr std::uint64_t units_mask(std::size_t count) noexcept {
    return (std::uint64_t{1} << count) - 1;
  }
  static constexpr std::uint64_t aligned_starts(std::size_t count) noexcept {
    return ~std::uint64_t{0} / units_mask(count);
  }
};

constexpr std::size_t Region::header_units() noexcept {
  return (sizeof(Region) + kUnitBytes - 1) / kUnitBytes;
}

inline constexpr std::size_t kHeaderUnits = Region::header_units();

inline bool Region::commit_next() noexcept {
  std::byte* const block = unit(committed_units);
  if (!page_source.commit(block, kHugePageBytes)) return false;
  page_source.advise_huge(block, kHugePageBytes, committed_units >= small_units);
  committed_units += kBlockUnits;
  return true;
}

inline void Region::discard_records() noexcept {
  static_assert(offsetof(Region, slabs) <= System::kLeastPageBytes);
  has_records = false;
  const std::size_t page = page_source.page_bytes();
  page_source.discard(begin() + page, kHeaderUnits * kUnitBytes - page);
}

inline bool Region::is_valid(std::size_t other_units) const noexcept {
  std::size_t used = header_units() + other_units + withheld();
  for (std::size_t u = header_units(); u < committed_units; ++u) {
    if (slabs[u].capacity != 0) used += kSizeClassInfo[slabs[u].size_class].units;
  }
  for (std::size_t w = 0; w != kUnitsPerRegion / 64; ++w) {
    if ((dirty_units[w] & ~free_units[w]) != 0) return false;
  }
  for (std::size_t b = 0; b * kBlockUnits != kUnitsPerRegion; ++b) {
    const bool is_advised = (split_blocks >> b & 1) != 0;
    if (is_split(b * kBlockUnits) != is_advised && (is_advised || !split_block_count.was_refused()))
      return false;
  }
  return used + free_count() == kUnitsPerRegion;
}

inline Region* Region::open(std::byte* at, ThreadHeap* owner, std::uint32_t sequence,
                            std::uint32_t small) noexcept {
  auto* const region = reinterpret_cast<Region*>(at);
  if (!page_source.commit(at, kHugePageBytes)) return nullptr;
  page_source.advise_huge(at, kHugePageBytes, small == 0);
  region->magic = kMagic;
  region->owner = owner;
  region->sequence = sequence;
  region->committed_units = kBlockUnits;
  region->small_units = small;
  region->split_blocks = 0;
  region->piece_bytes = 0;
  region->has_records = false;
  for (std::uint64_t& word : region->free_units) word = ~std::uint64_t{0};
  region->free_units[0] <<= kHeaderUnits;
  if (small % kBlockUnits != 0)
    region->free_units[small / 64] &= ~(block_mask(small) & ~std::uint64_t{0} << small % 64);
  if (small == 0) region->dirty_units[0] = region->free_units[0] & block_mask(0);
  return region;
}

static_assert(std::is_trivial_v<Region>);
// Two lines apart, because processors fetch lines in pairs.
static_assert(offsetof(Region, next) == 128,
              "what other threads read shares no line with what the owner writes");

}  // namespace flux::inline FLUX_ABI::detail
