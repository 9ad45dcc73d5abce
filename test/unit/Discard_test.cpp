// What free units cost: which of them may hold memory, how they give it back, and in which pages they lie.
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/Control.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <flux/detail/slab/SlabSource.hpp>
#include <span>
#include <string>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/OwnRegion.hpp"
#include "support/OwnSource.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(discard)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr unsigned kSmall = 3;     // slabs of one unit
constexpr unsigned kLargest = 87;  // slabs of eight units
constexpr std::size_t kLayouts[] = {0,
                                    1,
                                    kUnitBytes - 1,
                                    kUnitBytes,
                                    5 * kUnitBytes,
                                    kMiB,
                                    kMiB + 1,
                                    1536 << 10,
                                    2 * kMiB,
                                    2 * kMiB + kUnitBytes,
                                    31 * kMiB,
                                    32 * kMiB,
                                    32 * kMiB + kUnitBytes,
                                    33 * kMiB,
                                    64 * kMiB,
                                    70 * kMiB,
                                    SIZE_MAX};

std::size_t dirty_units(const Region& region) {
  std::size_t count = 0;
  for (const std::uint64_t word : region.dirty_units) count += static_cast<std::size_t>(std::popcount(word));
  return count;
}

std::size_t block_of(const Slab* slab) {
  return reinterpret_cast<std::uintptr_t>(slab->begin()) / kHugePageBytes;
}

/// A source in small pages, so that nothing is dirty but what was retired.
struct SmallSource : WithHugePagesFrom, OwnSource {
  SmallSource() : WithHugePagesFrom(flux::kNever) {}
};

/// The size from which a source that grows to 100 MiB asks for huge pages.
std::size_t first_huge_byte(OwnSource& source) {
  std::size_t small = 0;
  while (source.pages.committed_bytes() < 100 * kMiB) source->carve(kLargest);
  small = source.pages.advised_small_bytes();
  BOOST_TEST(small + source.pages.advised_huge_bytes() == source.pages.committed_bytes());
  return small;
}

}  // namespace

BOOST_AUTO_TEST_CASE(units_are_dirty_from_when_they_are_given_back_until_they_are_taken_or_discarded) {
  OwnRegion region;
  BOOST_TEST(dirty_units(*region) == 0u);
  BOOST_TEST(region->take_units(64, 8) == 0u);
  region->give_units(64, 8);
  BOOST_TEST(dirty_units(*region) == 8u);
  BOOST_TEST(region->take_units(66, 2) == 2u);
  BOOST_TEST(dirty_units(*region) == 6u);
  region->give_units(66, 2);
  BOOST_TEST(region->discard_units(64, 3) == 3u);
  BOOST_TEST(dirty_units(*region) == 5u);
  BOOST_TEST(region->take_units(64, 8) == 5u);
  BOOST_TEST(dirty_units(*region) == 0u);
}

BOOST_AUTO_TEST_CASE(discarded_units_are_zero_and_their_neighbours_are_as_they_were) {
  OwnRegion region;
  for (std::size_t unit = 100; unit != 104; ++unit) {
    region->take_units(unit, 1);
    *region->unit(unit) = *(region->unit(unit + 1) - 1) = std::byte{7};
    region->give_units(unit, 1);
  }
  region->discard_units(101, 2);
  for (std::size_t unit = 100; unit != 104; ++unit) {
    const std::byte expected{unit == 101 || unit == 102 ? std::uint8_t{0} : std::uint8_t{7}};
    BOOST_TEST((*region->unit(unit) == expected));
    BOOST_TEST((*(region->unit(unit + 1) - 1) == expected));
  }
}

BOOST_AUTO_TEST_CASE(records_of_an_unused_region_can_go_and_come_again) {
  OwnRegion region;
  BOOST_TEST(region->is_unused());
  const Slab& slab = region.carve(kLargest);
  BOOST_TEST(!region->is_unused());
  const auto index = static_cast<std::size_t>(&slab - region->slabs);
  region->slabs[index].capacity = 0;
  region->give_units(index, 8);
  BOOST_TEST(region->is_unused());
  std::byte* const behind = region->unit(kHeaderUnits);
  *behind = std::byte{1};
  Slab& last = region->slabs[kUnitsPerRegion - 1];  // in another page, whatever the size of pages
  last.stride = 1;
  region->discard_records();
  BOOST_TEST((*behind == std::byte{1}));
  BOOST_TEST(region->is_valid(0));
  BOOST_TEST(region->magic == Region::kMagic);
  BOOST_TEST(last.stride == 0u);
  BOOST_TEST(region.carve(kLargest).is_valid());
  BOOST_TEST(region->is_valid(0));
}

BOOST_AUTO_TEST_CASE(a_block_of_a_region_is_its_units_of_one_huge_page) {
  for (std::size_t unit = 0; unit != kUnitsPerRegion; ++unit)
    BOOST_REQUIRE(Region::block_mask(unit) == (unit % 64 < 32 ? 0xFFFF'FFFFu : 0xFFFF'FFFF'0000'0000u));
}

BOOST_AUTO_TEST_CASE(a_unit_that_is_dirty_but_not_free_is_not_valid) {
  OwnRegion region;
  BOOST_TEST(region->is_valid(0));
  region->take_units(40, 1);
  region->slabs[40].carve(region->unit(40), kSmall);
  BOOST_TEST(region->is_valid(0));
  region->dirty_units[0] |= std::uint64_t{1} << 40;
  BOOST_TEST(!region->is_valid(0));
}

BOOST_AUTO_TEST_CASE(a_source_in_small_pages_retains_what_was_retired) {
  SmallSource source;
  BOOST_TEST(source->retained_bytes() == 0u);
  const Slabs slabs = source.carve(100, kSmall);
  BOOST_TEST(source->retained_bytes() == 0u);
  source.retire(slabs);
  BOOST_TEST(source->retained_bytes() == 100 * kUnitBytes);
  source.carve(30, kSmall);
  BOOST_TEST(source->retained_bytes() == 70 * kUnitBytes);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(a_source_in_huge_pages_retains_what_is_left_of_a_huge_page) {
  const WithHugePagesFrom from(0);
  OwnSource source;
  constexpr std::size_t kFirst = kBlockUnits - kHeaderUnits - SlabSource::kHeapUnits;
  BOOST_TEST(source->retained_bytes() == kFirst * kUnitBytes);
  source.carve(kFirst, kSmall);
  BOOST_TEST(source->retained_bytes() == 0u);
  source.carve(1, kSmall);
  BOOST_TEST(source->retained_bytes() == (kBlockUnits - 1) * kUnitBytes);
  BOOST_TEST(source->discard_all() == (kBlockUnits - 1) * kUnitBytes);
  BOOST_TEST(source->retained_bytes() == 0u);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(a_huge_page_of_which_a_part_went_back_is_not_filled_up_again) {
  const WithHugePagesFrom from(kRegionBytes);
  OwnSource source;
  source.carve(kUnitsPerRegion / 8, kLargest);
  source.carve(kUnitsPerRegion % 8 + 8, kSmall);  // what is left of the first region
  const Slabs first = source.carve(1, kSmall);    // shares the second's first block with its header
  Slabs slabs = source.carve(1, kSmall);
  while (block_of(slabs[0]) == block_of(first[0])) slabs = source.carve(1, kSmall);
  for (Slab* slab : source.carve(2 * kBlockUnits - 1, kSmall)) slabs.push_back(slab);  // two blocks
  source.carve(1, kSmall);                                                             // the block used last
  const auto is_huge = [&](std::size_t slab) { return source.pages.is_advised_huge(slabs[slab]->begin()); };
  BOOST_TEST(is_huge(0));
  BOOST_TEST(is_huge(kBlockUnits));
  source.retire({slabs[3]});
  BOOST_TEST(is_huge(0));
  source->discard_all();
  BOOST_TEST(!is_huge(0));
  BOOST_TEST(is_huge(kBlockUnits));
  BOOST_TEST(source->is_valid());

  BOOST_TEST((source.carve(1, kSmall) == Slabs{slabs[3]}));  // full again
  BOOST_TEST(is_huge(0));
  BOOST_TEST(source->is_valid());

  source.retire(Slabs(slabs.begin() + 1, slabs.begin() + kBlockUnits));
  source->discard_all();
  BOOST_TEST(!is_huge(0));
  source.retire({slabs[0]});
  BOOST_TEST(!is_huge(0));
  source->discard_all();
  BOOST_TEST(is_huge(0));  // empty: the next touch brings a huge page
  BOOST_TEST(source->is_valid());

  source.retire(first);
  source->discard_all();
  BOOST_TEST(!source.pages.is_advised_huge(first[0]->begin()));
  BOOST_TEST(source->is_valid());
  BOOST_TEST(source.pages.complaint() == "");
}

BOOST_AUTO_TEST_CASE(small_pages_are_never_advised_again) {
  SmallSource source;
  const Slabs slabs = source.carve(100, kSmall);
  source.carve(1, kSmall);
  const std::size_t advised = source.pages.advised_small_bytes();
  source.retire({slabs[40]});
  source->discard_all();
  source.carve(1, kSmall);
  source.retire(slabs);
  source->discard_all();
  BOOST_TEST(source.pages.advised_small_bytes() == advised);
  BOOST_TEST(source.pages.advised_huge_bytes() == 0u);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(no_more_blocks_are_split_than_the_process_has_mappings_for) {
  const WithHugePagesFrom from(0);
  std::uint32_t others = 0;
  while (split_block_count.take()) ++others;
  BOOST_TEST(others <= SplitBlockCount::kMost);
  OwnSource source;
  const Slabs slabs = source.carve(100, kSmall);
  const std::byte* const one = slabs[60]->begin();
  const std::byte* const another = slabs[50]->begin();
  source.retire({slabs[60]});
  source->discard_all();
  BOOST_TEST(source.pages.is_advised_huge(one));  // as it was
  BOOST_TEST(source->is_valid());
  source.carve(1, kSmall);
  BOOST_TEST(source->is_valid());
  split_block_count.give(others);
  source.retire({slabs[50]});
  source->discard_all();
  BOOST_TEST(!source.pages.is_advised_huge(another));
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(memory_above_a_limit_goes_back_highest_first_but_for_the_block_used_last) {
  SmallSource source;
  const Slabs slabs = source.carve(300, kSmall);
  for (Slab* slab : slabs) *slab->begin() = std::byte{1};
  source.retire(slabs);  // the last of them in the block that is spared
  std::size_t given = 0;
  for (std::size_t limit = 299 * kUnitBytes; limit > 4 * kMiB; limit -= kUnitBytes) {
    given += source->discard_above(limit, 1000);
    BOOST_REQUIRE(source->retained_bytes() <= limit);
    BOOST_REQUIRE(source->retained_bytes() + kHugePageBytes > limit);
    BOOST_REQUIRE(source->retained_bytes() == 300 * kUnitBytes - given);
    BOOST_REQUIRE(source->is_valid());
  }
  const std::size_t kept = source->retained_bytes() / kUnitBytes;
  std::size_t zero = 0;
  for (std::size_t i = 0; i != slabs.size(); ++i) {
    const bool is_spared = block_of(slabs[i]) == block_of(slabs.back());
    const bool is_zero = *slabs[i]->objects == std::byte{0};
    BOOST_TEST(!(is_spared && is_zero));
    if (!is_spared && i > 0) BOOST_TEST(is_zero >= (*slabs[i - 1]->objects == std::byte{0}));
    zero += is_zero;
  }
  BOOST_TEST(zero == 300 - kept);
}

BOOST_AUTO_TEST_CASE(a_step_gives_a_run_within_a_block_or_looks_at_a_region, *flux::test::plain_only()) {
  SmallSource source;
  Slabs slabs = source.carve(1000, kSmall);  // in two regions and more
  Slabs odd;
  for (std::size_t i = 0; i != slabs.size(); i += 2) odd.push_back(slabs[i]);
  source.retire(odd);
  for (std::size_t steps : {0u, 1u, 2u, 5u}) {
    const std::size_t discards = source.pages.discards();
    const std::size_t given = source->discard_above(0, static_cast<unsigned>(steps));
    BOOST_TEST(given == steps * kUnitBytes);
    BOOST_TEST(source.pages.discards() == discards + steps);
    BOOST_TEST(source->is_valid());
  }
  std::size_t calls = 0;
  while (source->retained_bytes() > kHugePageBytes && ++calls < 1000) {
    const std::size_t discards = source.pages.discards();
    source->discard_above(0, 2);
    BOOST_REQUIRE(source.pages.discards() <= discards + 2);
    BOOST_REQUIRE(source->is_valid());
  }
  BOOST_TEST(calls < 300u);
  BOOST_TEST(source.pages.complaint() == "");
}

BOOST_AUTO_TEST_CASE(whole_blocks_go_back_in_one_call_each, *flux::test::plain_only()) {
  SmallSource source;
  const Slabs slabs = source.carve(1000, kSmall);
  source.retire(slabs);
  const std::size_t before = source.pages.discards();
  BOOST_TEST(source->discard_above(0, 1000) >= 1000 * kUnitBytes - kHugePageBytes);
  BOOST_TEST(source.pages.discards() - before <= 1000 / kBlockUnits + 3);
}

BOOST_AUTO_TEST_CASE(nothing_goes_back_below_the_limit) {
  SmallSource source;
  source.retire(source.carve(100, kSmall));
  for (const std::size_t limit : {100 * kUnitBytes, 101 * kUnitBytes, SIZE_MAX})
    BOOST_TEST(source->discard_above(limit, 1000) == 0u);
  BOOST_TEST(source.pages.discards() == 0u);
}

BOOST_AUTO_TEST_CASE(the_block_of_a_fresh_slab_is_spared_until_something_is_freed) {
  for (const std::size_t count : {200u, 1100u}) {  // in one region and in three
    SmallSource source;
    source.retire(source.carve(count, kSmall));
    Slab* const fresh = source->carve(kLargest);
    source->discard_above(0, 1000);
    BOOST_TEST(source->retained_bytes() > 0u);
    BOOST_TEST(source->retained_bytes() < kHugePageBytes);
    BOOST_TEST(source->is_valid());
    source->retire(*fresh);
    source->discard_above(0, 1000);
    BOOST_TEST(source->retained_bytes() == 0u);
    BOOST_TEST(source->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(in_the_end_everything_goes_back_and_is_counted) {
  for (const std::size_t layout : kLayouts) {
    const WithHugePagesFrom from(layout);
    OwnSource source(kSingleRegions);
    const Slabs small = source.carve(700, kSmall), large = source.carve(100, kLargest);
    source.retire(small);
    const std::size_t retained = source->retained_bytes();
    BOOST_TEST(retained >= 700 * kUnitBytes);
    BOOST_TEST(source->discard_all() == retained);
    BOOST_TEST(source->retained_bytes() == 0u);
    BOOST_TEST(source->discard_all() == 0u);
    BOOST_TEST(source->is_valid());
    source.retire(large);
    BOOST_TEST(source->discard_all() == 800 * kUnitBytes);
    BOOST_TEST(source->is_valid());
    BOOST_TEST(source.pages.complaint() == "");
    source.retire(source.carve(700, kSmall));
    BOOST_TEST(source->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(after_any_carving_retiring_and_discarding_all_units_are_accounted_for) {
  Random random;
  for (const std::size_t layout : {std::size_t{0}, std::size_t{1536} << 10, 33 * kMiB, SIZE_MAX}) {
    const WithHugePagesFrom from(layout);
    OwnSource source(random.below(2) == 0 ? kModestPieces : kSingleRegions);
    Slabs live;
    for (std::size_t step = 0; step != scaled(2000); ++step) {
      const std::size_t kind = random.below(100);
      if (kind < 50) {
        constexpr unsigned kClasses[] = {kSmall, 60, 70, kLargest};
        live.push_back(source->carve(kClasses[random.below(4)]));
        *live.back()->begin() = std::byte{1};
      } else if (kind < 90 && !live.empty()) {
        std::swap(live[random.below(live.size())], live.back());
        source->retire(*live.back());
        live.pop_back();
      } else {
        const std::size_t before = source->retained_bytes(), discarded = source.pages.discarded_bytes();
        const std::size_t limit = random.below(16) * kMiB;
        const std::size_t given = source->discard_above(limit, static_cast<unsigned>(random.below(10)));
        BOOST_REQUIRE(before - source->retained_bytes() == given);
        const std::size_t records = source.pages.discarded_bytes() - discarded - given;
        BOOST_REQUIRE(records % (kHeaderUnits * kUnitBytes - page_source.page_bytes()) == 0u);
      }
      if (random.below(300) == 0) source->discard_all();
      if (step % 8 == 0) BOOST_REQUIRE(source->is_valid());
    }
    source.retire(live);
    source->discard_all();
    BOOST_TEST(source->retained_bytes() == 0u);
    BOOST_TEST(source->is_valid());
    BOOST_TEST(source.pages.complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(a_dirty_unit_behind_where_they_are_looked_for_is_not_valid) {
  SmallSource source;
  const Slabs slabs = source.carve(1100, kSmall);  // in three regions
  source->retire(*slabs.front());
  source->discard_all();
  source->retire(*slabs[1]);
  BOOST_TEST(source->is_valid());
  Region& last = *Region::of(slabs.back());
  last.dirty_units[kUnitsPerRegion / 64 - 1] |= std::uint64_t{1} << 63;
  BOOST_TEST(!source->is_valid());
}

BOOST_AUTO_TEST_CASE(small_pages_end_where_it_is_said_to_the_block, *flux::test::plain_only()) {
  for (const std::size_t layout : kLayouts) {
    const WithHugePagesFrom from(layout);
    OwnSource source;
    const std::size_t wanted = std::min(layout / kUnitBytes * kUnitBytes, 100 * kMiB);
    const std::size_t expected = (wanted + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    BOOST_TEST(first_huge_byte(source) == expected, layout);
    BOOST_TEST(source->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(a_heap_takes_no_memory_of_a_small_block_beyond_what_is_said) {
  for (const std::size_t layout : kLayouts) {
    if (layout >= 64 * kMiB) continue;
    const WithHugePagesFrom from(layout);
    OwnSource source;
    const Slabs slabs = source.carve(1100, kSmall);
    const std::byte* const begin = source->main_reservation().begin;
    constexpr std::size_t kBefore =
        SlabSource::kHeapIndex - SlabSource::kHeapUnits;  // not counted for the setting
    const std::size_t least = layout < kUnitBytes ? 0 : (kBefore + 2 * SlabSource::kHeapUnits) * kUnitBytes;
    const std::size_t small =
        std::max(layout < kUnitBytes ? 0 : (layout / kUnitBytes + kBefore) * kUnitBytes, least);
    const std::size_t block_end = (small + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
    for (const Slab* slab : slabs) {
      const auto offset = static_cast<std::size_t>(slab->begin() - begin);
      const bool is_header_of_next =
          small % kRegionBytes != 0 && small % kRegionBytes < kHeaderUnits * kUnitBytes;
      if (!is_header_of_next) BOOST_REQUIRE((offset < small || offset >= block_end));
    }
    BOOST_TEST(source->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(heaps_work_in_any_layout_of_pages) {
  for (const std::size_t layout : kLayouts) {
    const WithHugePagesFrom from(layout);
    OwnHeap heap;
    Random random;
    for (const unsigned c : {0u, 7u, 60u, kLargest}) {
      Objects objects = pop_many(*heap, c, scaled((c == kLargest ? 40 : 4) * kMiB) / stride_of(c));
      BOOST_TEST(are_distinct(objects));
      BOOST_TEST(are_marked(objects, c));
      shuffle(objects, random);
      push_all(*heap, std::span(objects).subspan(objects.size() / 2), c);
      BOOST_TEST(complaint_about(*heap) == "");
      heap->trim(true);
      objects.resize(objects.size() / 2);
      BOOST_TEST(are_marked(objects, c));
      push_all(*heap, objects, c);
      BOOST_TEST(complaint_about(*heap) == "");
    }
    heap->trim(true);
    BOOST_TEST(heap->retained_bytes() == 0u);
    BOOST_TEST(census_of(*heap).slabs == 0u);
    BOOST_TEST(heap.pages().complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(a_layout_counts_for_memory_that_is_opened_from_then_on) {
  const WithHugePagesFrom from(flux::kNever);
  OwnSource source;
  source.carve(10, kSmall);
  flux::set_huge_pages_from(0);
  BOOST_TEST(first_huge_byte(source) == kRegionBytes);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(memory_is_refused_alike_in_any_layout) {
  for (const std::size_t layout : {std::size_t{0}, 33 * kMiB, SIZE_MAX}) {
    const WithHugePagesFrom from(layout);
    for (std::size_t n = 1; n < 40; n += is_instrumented() ? 5 : 1) {
      OwnSource source(kSingleRegions);
      source.pages.fail_at(n);
      Slabs slabs;
      while (slabs.size() != 150) {
        Slab* const slab = source->carve(kLargest);
        if (slab != nullptr) slabs.push_back(slab);
        if (slab == nullptr) BOOST_REQUIRE(source->is_valid());
      }
      source.retire(slabs);
      BOOST_REQUIRE(source->is_valid());
      BOOST_REQUIRE(source->discard_all() >= 150 * 8 * kUnitBytes);
      BOOST_REQUIRE(source.pages.complaint() == "");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
