// Slabs are cut lowest address first from regions that are opened, and memory that is committed, only when
// needed.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/slab/SlabSource.hpp>
#include <utility>
#include <vector>

#include "support/OwnSource.hpp"
#include "support/Pattern.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(slab_source)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kSmall = 3;     // slabs of one unit
constexpr unsigned kLargest = 87;  // slabs of eight units
constexpr std::size_t kSmallUnits = (std::size_t{1536} << 10) / kUnitBytes + SlabSource::kHeapIndex -
                                    SlabSource::kHeapUnits;  // huge pages follow
constexpr std::size_t kFirstRegionUnits =
    kUnitsPerRegion - kHeaderUnits - SlabSource::kHeapUnits - (kBlockUnits - kSmallUnits);

std::byte* begin_of(const Slab& slab) { return slab.objects - kSizeClassInfo[slab.size_class].first_object; }
std::size_t bytes_of(const Slab& slab) { return kSizeClassInfo[slab.size_class].units * kUnitBytes; }

bool is_usable(const Slab& slab) {
  std::byte* const last = slab.objects + slab.extent - 1;
  *slab.objects = *last = std::byte{1};
  return is_aligned(begin_of(slab), bytes_of(slab)) && &Region::slab_of(last) == &slab && slab.is_valid() &&
         slab.free == slab.capacity && slab.list == Slab::kNotListed;
}

bool are_apart(Slabs slabs) {
  std::ranges::sort(slabs, {}, [](const Slab* slab) { return begin_of(*slab); });
  return std::ranges::adjacent_find(slabs, [](const Slab* low, const Slab* high) {
           return begin_of(*low) + bytes_of(*low) > begin_of(*high);
         }) == slabs.end();
}

struct Growth {
  bool is_sound = true;
  std::size_t refused = 0;
  std::size_t calls = 0;
  std::size_t pieces = 0;
  std::size_t committed_bytes = 0;

  bool holds_as_much_as(const Growth& other) const {
    return pieces == other.pieces && committed_bytes == other.committed_bytes;
  }
};

// Cuts large slabs through several regions while pages fail as `fail(pages)` says. What is refused is asked
// for again; at the second refusal memory is back.
template <class Fail>
Growth grow(Fail fail) {
  constexpr std::size_t kSlabs = 200;
  OwnSource source(kSingleRegions);
  fail(source.pages);
  Growth growth;
  Slabs slabs;
  while (slabs.size() != kSlabs && growth.refused <= 2) {
    if (Slab* const slab = source->carve(kLargest)) {
      slabs.push_back(slab);
      continue;
    }
    growth.is_sound = growth.is_sound && source->is_valid() && source.slabs_in_use() == slabs.size();
    if (++growth.refused == 2) source.pages.fail_never();
  }
  growth.is_sound = growth.is_sound && source->is_valid() && source.slabs_in_use() == kSlabs &&
                    are_apart(slabs) &&
                    std::ranges::all_of(slabs, [](Slab* slab) { return is_usable(*slab); }) &&
                    source.pages.complaint().empty();
  growth.calls = source.pages.calls();
  growth.pieces = source.pages.pieces();
  growth.committed_bytes = source.pages.committed_bytes();
  return growth;
}

// Whether a source that `corrupt` was done to is refused, and was accepted before. Its first region is full.
template <class Corrupt>
bool is_refused_after(Corrupt corrupt) {
  OwnSource source;
  const Slabs slabs = source.carve(kFirstRegionUnits + 2, kSmall);
  const bool was_valid = source->is_valid();
  corrupt(*slabs[10]);
  return was_valid && !source->is_valid();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_source_opens_with_one_piece_and_one_block_of_small_pages) {
  OwnSource source;
  BOOST_TEST(source.pages.pieces() == 1u);
  BOOST_TEST(source->main_reservation().bytes == source.pages.reserved_bytes());
  BOOST_TEST(source.pages.committed_bytes() == kHugePageBytes);
  BOOST_TEST(source.pages.advised_small_bytes() == kHugePageBytes);
  BOOST_TEST(source.pages.advised_huge_bytes() == 0u);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(small_pages_are_left_for_huge_ones_before_their_block_is_full,
                     *flux::test::plain_only()) {
  OwnSource source;
  source.carve(kSmallUnits - kHeaderUnits - SlabSource::kHeapUnits, kSmall);
  BOOST_TEST(source.pages.committed_bytes() == kHugePageBytes);
  const Slab* const next = source->carve(kSmall);
  BOOST_TEST(source.pages.committed_bytes() == 2 * kHugePageBytes);
  BOOST_TEST(source.pages.advised_huge_bytes() == kHugePageBytes);
  BOOST_TEST(is_aligned(begin_of(*next), kHugePageBytes));
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(when_opening_fails_nothing_is_kept_and_it_can_be_tried_again) {
  for (const std::size_t limit : {kLargePieces, kModestPieces, kSingleRegions}) {
    FailingPageSource pages(limit);
    SlabSource source;
    for (std::size_t n = 1;; ++n) {
      pages.fail_from(n);
      if (source.open_first()) break;
      BOOST_TEST(pages.pieces() == 0u);
      BOOST_TEST(source.main_reservation().begin == nullptr);
    }
    BOOST_TEST(pages.calls() >= 2u);
    BOOST_TEST(pages.pieces() == 1u);
    BOOST_TEST(source.take_heap_units() != nullptr);
    BOOST_TEST(source.is_valid());
    BOOST_TEST(pages.complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(slabs_of_every_class_lie_apart_and_are_usable_to_their_last_byte) {
  OwnSource source;
  Slabs slabs;
  for (int round = 0; round != 3; ++round)
    for (unsigned c = 0; c != kSizeClasses; ++c) slabs.push_back(source->carve(c));
  BOOST_TEST(std::ranges::all_of(slabs, [](Slab* slab) { return is_usable(*slab); }));
  BOOST_TEST(are_apart(slabs));
  BOOST_TEST(source->is_valid());
  BOOST_TEST(source.pages.complaint() == "");
}

BOOST_AUTO_TEST_CASE(slabs_of_one_class_are_cut_in_address_order_within_a_piece) {
  for (const unsigned c : {kSmall, kLargest}) {
    OwnSource source;
    const Slabs slabs = source.carve(300, c);
    BOOST_TEST(std::ranges::is_sorted(slabs));
    BOOST_TEST(std::ranges::all_of(
        slabs, [&](Slab* slab) { return source->main_reservation().contains(slab->objects); }));
  }
}

BOOST_AUTO_TEST_CASE(memory_is_committed_a_block_at_a_time_when_a_slab_needs_it, *flux::test::plain_only()) {
  OwnSource source;
  for (int i = 0; i != 100; ++i) {
    const Slab* const slab = source->carve(kLargest);
    const auto needed =
        static_cast<std::size_t>(begin_of(*slab) + bytes_of(*slab) - source->main_reservation().begin);
    BOOST_REQUIRE(source.pages.committed_bytes() >= needed);
    BOOST_REQUIRE(source.pages.committed_bytes() < needed + kHugePageBytes);
  }
  BOOST_TEST(source.pages.advised_huge_bytes() == source.pages.committed_bytes() - kHugePageBytes);
}

BOOST_AUTO_TEST_CASE(a_second_piece_is_reserved_when_the_first_is_full_and_not_before,
                     *flux::test::plain_only()) {
  OwnSource source(kSingleRegions);
  source.carve(kFirstRegionUnits, kSmall);
  BOOST_TEST(source.pages.pieces() == 1u);
  BOOST_TEST(source.pages.committed_bytes() == kRegionBytes);
  const Slab* const outside = source->carve(kSmall);
  BOOST_TEST(source.pages.pieces() == 2u);
  BOOST_TEST(!source->main_reservation().contains(outside->objects));
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(all_regions_name_the_owner_also_those_opened_later) {
  OwnSource source(kSingleRegions);
  auto* const owner = reinterpret_cast<ThreadHeap*>(source->main_reservation().begin + 1);
  const Slabs early = source.carve(kFirstRegionUnits + 1, kSmall);
  source->set_owner(owner);
  const Slabs late = source.carve(kUnitsPerRegion, kSmall);
  for (const Slab* slab : {early.front(), early.back(), late.front(), late.back()})
    BOOST_TEST(Region::of(slab)->owner == owner);
}

BOOST_AUTO_TEST_CASE(what_is_retired_is_cut_again_for_any_class, *flux::test::plain_only()) {
  OwnSource source;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    Slab* const slab = source->carve(c);
    BOOST_TEST(slab->units_back == 0u);
    source->retire(*slab);
    BOOST_TEST(source.slabs_in_use() == 0u);
    BOOST_TEST(source->is_valid());
  }
  BOOST_TEST(source.pages.committed_bytes() == 2 * kHugePageBytes);  // the second for the largest slabs
}

BOOST_AUTO_TEST_CASE(units_inside_a_retired_slab_become_slabs_of_their_own) {
  OwnSource source;
  Slab* const large = source->carve(kLargest);
  std::byte* const begin = begin_of(*large);
  source->retire(*large);
  const Slabs small = source.carve(20, kSmall);
  const auto inside = std::ranges::count_if(
      small, [&](Slab* slab) { return slab->objects >= begin && slab->objects < begin + 8 * kUnitBytes; });
  BOOST_TEST(inside == 8);
  BOOST_TEST(std::ranges::all_of(small, [](Slab* slab) { return is_usable(*slab); }));
}

BOOST_AUTO_TEST_CASE(what_is_retired_in_an_early_region_is_cut_before_anything_later) {
  for (const std::size_t limit : {kModestPieces, kSingleRegions})
    for (const unsigned c : {kSmall, 69u, 79u, kLargest}) {  // slabs of 1, 2, 4 and 8 units
      OwnSource source(limit);
      const std::size_t in_a_region = kUnitsPerRegion / kSizeClassInfo[c].units;
      const Slabs slabs = source.carve(3 * in_a_region, c);
      const std::size_t retired[] = {7, in_a_region + 7, slabs.size() - 1};
      for (const std::size_t index : retired) {
        source->retire(*slabs[index]);
        BOOST_TEST(source->is_valid());
      }
      for (const std::size_t index : retired) BOOST_TEST(source->carve(c) == slabs[index]);
      BOOST_TEST(source->is_valid());
    }
}

BOOST_AUTO_TEST_CASE(after_any_cutting_and_retiring_slabs_lie_apart_and_none_is_lost) {
  Random random;
  OwnSource source(kSingleRegions);
  Slabs slabs;
  for (std::size_t step = 0; step != scaled(5000); ++step) {
    if (slabs.empty() || random.below(100) < 60) {
      slabs.push_back(source->carve(static_cast<unsigned>(random.below(kSizeClasses))));
    } else {
      std::swap(slabs[random.below(slabs.size())], slabs.back());
      source->retire(*slabs.back());
      slabs.pop_back();
    }
    if (step % 100 != 0) continue;
    BOOST_REQUIRE(source->is_valid());
    BOOST_REQUIRE(are_apart(slabs));
    BOOST_REQUIRE(source.slabs_in_use() == slabs.size());
  }
  BOOST_TEST(std::ranges::all_of(slabs, [](Slab* slab) { return is_usable(*slab); }));
  BOOST_TEST(source.pages.complaint() == "");
}

BOOST_AUTO_TEST_CASE(slabs_are_visited_once_each_in_address_order_within_a_piece) {
  OwnSource source;
  Slabs cut, visited;
  for (unsigned c = 0; c != kSizeClasses; ++c) cut.push_back(source->carve(c));
  source->for_each_slab([&](Slab& slab) { visited.push_back(&slab); });
  BOOST_TEST(std::ranges::is_sorted(visited));
  std::ranges::sort(cut);
  BOOST_TEST((visited == cut));
}

BOOST_AUTO_TEST_CASE(when_any_call_for_memory_fails_a_slab_is_refused_and_nothing_is_lost) {
  const Growth undisturbed = grow([](FailingPageSource& pages) { pages.fail_never(); });
  BOOST_TEST(undisturbed.is_sound);
  BOOST_TEST(undisturbed.pieces == 4u);
  for (std::size_t n = 1; n <= undisturbed.calls; n += is_under_valgrind() ? 10 : 1) {
    const Growth once = grow([n](FailingPageSource& pages) { pages.fail_at(n); });
    BOOST_TEST(once.refused == 1u);
    BOOST_TEST(once.is_sound);
    BOOST_TEST(once.holds_as_much_as(undisturbed));
    const Growth lasting = grow([n](FailingPageSource& pages) { pages.fail_from(n); });
    BOOST_TEST(lasting.refused == 2u);
    BOOST_TEST(lasting.is_sound);
    BOOST_TEST(lasting.holds_as_much_as(undisturbed));
  }
}

BOOST_AUTO_TEST_CASE(a_source_whose_units_do_not_add_up_is_not_valid) {
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.capacity = 0; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.size_class = kLargest; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { Region::of(&slab)->give_units(10, 1); }));
}

BOOST_AUTO_TEST_CASE(a_free_unit_in_front_of_the_regions_with_room_is_not_valid) {
  BOOST_TEST(is_refused_after([](Slab& slab) {
    slab.capacity = 0;
    Region::of(&slab)->give_units(static_cast<std::size_t>(&slab - Region::of(&slab)->slabs), 1);
  }));
}

BOOST_AUTO_TEST_CASE(free_units_that_lie_together_in_front_of_the_regions_with_room_for_them_are_not_valid) {
  OwnSource source;
  const Slabs slabs = source.carve(kFirstRegionUnits, kSmall);
  source->retire(*slabs[10]);
  source->carve(kLargest);  // in the next region: the first has room for one unit only
  BOOST_TEST(source->is_valid());
  Region& first = *Region::of(slabs[10]);
  for (std::size_t unit = 64; unit != 72; ++unit) first.slabs[unit].capacity = 0;
  first.give_units(64, 8);
  for (std::uint64_t& word : first.dirty_units) word = 0;
  BOOST_TEST(!source->is_valid());
}

BOOST_AUTO_TEST_SUITE_END()
