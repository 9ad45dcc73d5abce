// A region describes itself to whoever masks an address, and hands out its units lowest first.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/slab/Region.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "support/OwnRegion.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(region)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kCounts[] = {1, 2, 4, 8};

// The map of free units, a flag each.
class Model {
 public:
  Model() { std::fill_n(free_.begin(), kHeaderUnits, false); }

  std::size_t take(std::size_t count) {
    for (std::size_t index = 0; index != kUnitsPerRegion; index += count)
      if (std::all_of(at(index), at(index + count), [](bool is_free) { return is_free; })) {
        std::fill(at(index), at(index + count), false);
        return index;
      }
    return kUnitsPerRegion;
  }
  void give(std::size_t index, std::size_t count) { std::fill(at(index), at(index + count), true); }

 private:
  std::vector<bool>::iterator at(std::size_t index) {
    return free_.begin() + static_cast<std::ptrdiff_t>(index);
  }

  std::vector<bool> free_ = std::vector<bool>(kUnitsPerRegion, true);
};

struct Taken {
  std::size_t index;
  std::size_t count;
};

std::size_t resident_pages(std::byte* begin, std::size_t bytes) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(bytes / page);
  ::mincore(begin, bytes, pages.data());
  return static_cast<std::size_t>(
      std::ranges::count_if(pages, [](unsigned char state) { return (state & 1) != 0; }));
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_open_region_says_what_it_is_and_whose) {
  OwnRegion region;
  auto* const owner = reinterpret_cast<ThreadHeap*>(region->unit(8));
  Region* const opened = Region::open(region->begin(), owner, 3, 0);
  BOOST_TEST(opened == &*region);
  BOOST_TEST(opened->magic == Region::kMagic);
  BOOST_TEST(opened->owner == owner);
  BOOST_TEST(opened->sequence == 3u);
  BOOST_TEST(opened->committed_units == 32u);
  BOOST_TEST(opened->next == nullptr);
}

BOOST_AUTO_TEST_CASE(the_header_lies_below_the_first_unit_that_is_given_out) {
  OwnRegion region;
  BOOST_TEST(kHeaderUnits * kUnitBytes >= sizeof(Region));
  BOOST_TEST(region.take_lowest(1) == kHeaderUnits);
}

BOOST_AUTO_TEST_CASE(opening_leaves_the_records_untouched) {
  if (is_instrumented()) return;  // resident memory is not flux's alone there
  OwnRegion region;
  BOOST_TEST(resident_pages(region->begin(), kHeaderUnits * kUnitBytes) <= 2u);
}

BOOST_AUTO_TEST_CASE(every_address_leads_to_its_region) {
  OwnRegion region;
  for (std::size_t unit = 0; unit != kUnitsPerRegion; ++unit) {
    BOOST_TEST(Region::of(region->unit(unit)) == &*region);
    BOOST_TEST(Region::of(region->unit(unit) + kUnitBytes - 1) == &*region);
  }
}

BOOST_AUTO_TEST_CASE(every_address_of_a_slab_leads_to_its_record) {
  auto region = std::make_unique<OwnRegion>();
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    if ((*region)->find_units(kSizeClassInfo[c].units) == kUnitsPerRegion)
      region = std::make_unique<OwnRegion>();
    Slab& slab = region->carve(c);
    for (std::size_t i = 0; i != slab.capacity; ++i) {
      std::byte* const object = slab.objects + i * slab.stride;
      BOOST_REQUIRE(&Region::slab_of(object) == &slab);
      BOOST_REQUIRE(&Region::slab_of(object + slab.stride - 1) == &slab);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_lies_behind_a_slab_is_the_record_behind_its_last_unit) {
  OwnRegion region;
  for (const unsigned c : {0u, 40u, 60u, 70u, 87u}) {
    Slab& slab = region.carve(c);
    BOOST_TEST(Region::slab_behind(slab) == &slab + kSizeClassInfo[c].units);
  }
}

BOOST_AUTO_TEST_CASE(nothing_lies_behind_the_last_slab) {
  for (const unsigned c : {0u, 87u}) {
    OwnRegion region;
    Slab* last = nullptr;
    for (std::size_t index; (index = region.take_lowest(kSizeClassInfo[c].units)) != kUnitsPerRegion;) {
      last = &region->slabs[index];
      last->carve(region->unit(index), c);
    }
    BOOST_TEST(last->objects + kSizeClassInfo[c].units * kUnitBytes >= region->begin() + kRegionBytes);
    BOOST_TEST(Region::slab_behind(*last) == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(units_are_taken_lowest_first_and_aligned_to_their_number_until_none_is_left) {
  for (const std::size_t count : kCounts) {
    OwnRegion region;
    const std::size_t first = (kHeaderUnits + count - 1) / count * count;
    for (std::size_t expected = first; expected <= kUnitsPerRegion; expected += count)
      BOOST_REQUIRE(region.take_lowest(count) == expected);
    BOOST_TEST(region.take_lowest(count) == kUnitsPerRegion);
  }
}

BOOST_AUTO_TEST_CASE(what_large_slabs_skip_is_left_for_small_ones, *flux::test::plain_only()) {
  OwnRegion region;
  BOOST_TEST(region.take_lowest(8) == 8u);
  BOOST_TEST(region.take_lowest(2) == 6u);
  BOOST_TEST(region.take_lowest(1) == 5u);
  BOOST_TEST(region.take_lowest(1) == 16u);
}

BOOST_AUTO_TEST_CASE(every_second_unit_free_serves_slabs_of_one_unit_only) {
  OwnRegion region;
  while (region.take_lowest(1) != kUnitsPerRegion) continue;
  for (std::size_t index = kHeaderUnits; index < kUnitsPerRegion; index += 2) region->give_units(index, 1);
  for (const std::size_t count : {2u, 4u, 8u}) BOOST_TEST(region.take_lowest(count) == kUnitsPerRegion);
  BOOST_TEST(region.take_lowest(1) == kHeaderUnits);
}

BOOST_AUTO_TEST_CASE(two_free_units_that_are_not_aligned_are_no_pair) {
  OwnRegion region;
  while (region.take_lowest(1) != kUnitsPerRegion) continue;
  region->give_units(101, 1);
  region->give_units(102, 1);
  BOOST_TEST(region.take_lowest(2) == kUnitsPerRegion);
  region->give_units(100, 1);
  BOOST_TEST(region.take_lowest(2) == 100u);
}

BOOST_AUTO_TEST_CASE(after_any_taking_and_giving_back_the_lowest_units_that_fit_come_first) {
  Random random;
  OwnRegion region;
  Model model;
  std::vector<Taken> taken;
  for (std::size_t step = 0; step != scaled(20'000); ++step) {
    const std::size_t count = kCounts[random.below(4)];
    if (random.below(100) < 55 || taken.empty()) {
      const std::size_t index = region.take_lowest(count);
      BOOST_REQUIRE(index == model.take(count));
      if (index != kUnitsPerRegion) taken.push_back({index, count});
    } else {
      std::swap(taken[random.below(taken.size())], taken.back());
      region->give_units(taken.back().index, taken.back().count);
      model.give(taken.back().index, taken.back().count);
      taken.pop_back();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
