// The slabs of a class that have objects at home: the fullest is found, and each lies where its count says.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/slab/PartialSlabs.hpp>
#include <map>
#include <vector>

#include "support/OwnRegion.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(partial_slabs)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 31;  // 256 objects of 256 bytes

// Slabs of one class side by side; at first nothing of them is home.
struct Slabs {
  explicit Slabs(std::size_t count, unsigned size_class = kClass) {
    for (std::size_t i = 0; i != count; ++i) {
      slabs.push_back(&region.carve(size_class));
      take_all_but(*slabs.back(), 0);
    }
  }

  Slab& operator[](std::size_t index) { return *slabs[index]; }

  /// Lists slab `index` with `count` objects at home.
  void set(std::size_t index, std::uint32_t count) {
    take_all_but(*slabs[index], 0);
    put_lowest(*slabs[index], count);
    partial.update(*slabs[index]);
  }

  OwnRegion region;
  std::vector<Slab*> slabs;
  PartialSlabs partial;
};

std::uint32_t eighth_of(const Slab& slab) { return slab.free >> slab.list_shift; }

// Slabs in the order in which refills that empty them would take them.
std::vector<Slab*> drain(PartialSlabs& partial) {
  std::vector<Slab*> order;
  while (Slab* slab = partial.fullest()) {
    order.push_back(slab);
    partial.remove(*slab);
  }
  return order;
}

// Whether lists that `corrupt` was done to are refused, and were accepted before.
template <class Corrupt>
bool is_refused_after(Corrupt corrupt) {
  Slabs slabs(3);
  for (std::size_t i = 0; i != 3; ++i) slabs.set(i, 10);
  const bool was_valid = slabs.partial.is_valid();
  corrupt(slabs[1]);
  return was_valid && !slabs.partial.is_valid();
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_slabs_there_is_no_fullest) {
  PartialSlabs partial;
  BOOST_TEST(partial.fullest() == nullptr);
  BOOST_TEST(partial.next_after(nullptr) == nullptr);
  BOOST_TEST(partial.is_valid());
}

BOOST_AUTO_TEST_CASE(the_fullest_has_the_fewest_objects_at_home) {
  Slabs slabs(3);
  slabs.set(0, 200);
  BOOST_TEST(slabs.partial.fullest() == &slabs[0]);
  slabs.set(1, 3);
  BOOST_TEST(slabs.partial.fullest() == &slabs[1]);
  slabs.set(2, 100);
  BOOST_TEST(slabs.partial.fullest() == &slabs[1]);
  slabs.set(1, 255);
  BOOST_TEST(slabs.partial.fullest() == &slabs[2]);
}

BOOST_AUTO_TEST_CASE(every_count_of_every_class_has_a_list) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    Slabs slabs(1, c);
    const std::uint32_t step = std::max(slabs[0].capacity / 16, 1u);
    for (std::uint32_t count = step; count <= slabs[0].capacity; count += step) {
      slabs.set(0, count);
      BOOST_REQUIRE(slabs.partial.fullest() == &slabs[0]);
      BOOST_REQUIRE(slabs.partial.is_valid());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_slab_of_which_nothing_is_home_is_not_listed) {
  Slabs slabs(2);
  slabs.set(0, 0);
  BOOST_TEST(slabs.partial.fullest() == nullptr);
  slabs.set(0, 1);
  slabs.set(1, 1);
  slabs.set(0, 0);
  slabs.set(1, 0);
  BOOST_TEST(slabs.partial.fullest() == nullptr);
  BOOST_TEST(slabs[0].list == Slab::kNotListed);
  BOOST_TEST(slabs.partial.is_valid());
}

BOOST_AUTO_TEST_CASE(any_slab_of_a_list_can_be_removed_and_removing_it_again_changes_nothing) {
  for (std::size_t removed = 0; removed != 4; ++removed) {
    Slabs slabs(4);
    for (std::size_t i = 0; i != 4; ++i) slabs.set(i, 5);
    slabs.partial.remove(slabs[removed]);
    slabs.partial.remove(slabs[removed]);
    BOOST_TEST(slabs.partial.is_valid());
    std::vector<Slab*> left = drain(slabs.partial);
    BOOST_TEST(left.size() == 3u);
    BOOST_TEST((std::ranges::find(left, &slabs[removed]) == left.end()));
  }
}

BOOST_AUTO_TEST_CASE(an_update_within_the_list_leaves_the_order_as_it_is) {
  Slabs slabs(3);
  for (std::size_t i = 0; i != 3; ++i) slabs.set(i, 5);
  const Slab* const first = slabs.partial.fullest();
  slabs.set(0, 6);
  slabs.set(1, 7);
  BOOST_TEST(slabs.partial.fullest() == first);
}

BOOST_AUTO_TEST_CASE(a_slab_that_was_taken_from_comes_first_of_its_list) {
  Slabs slabs(3);
  for (std::size_t i = 0; i != 3; ++i) slabs.set(i, 20);
  for (const std::size_t taken : {1u, 0u, 2u, 1u}) {
    take_all_but(slabs[taken], slabs[taken].free - 1);
    slabs.partial.update_first(slabs[taken]);
    BOOST_TEST(slabs.partial.fullest() == &slabs[taken]);
    BOOST_TEST(slabs.partial.is_valid());
  }
  take_all_but(slabs[1], 0);
  slabs.partial.update_first(slabs[1]);
  BOOST_TEST(slabs[1].list == Slab::kNotListed);
  BOOST_TEST(drain(slabs.partial).size() == 2u);
}

BOOST_AUTO_TEST_CASE(of_equally_full_slabs_the_one_behind_the_last_comes_next) {
  Slabs slabs(5);
  for (std::size_t i = 0; i != 5; ++i) slabs.set(i, 5);
  for (std::size_t i = 0; i != 4; ++i) {
    take_all_but(slabs[i], 0);
    slabs.partial.update_first(slabs[i]);
    BOOST_TEST(slabs.partial.next_after(&slabs[i]) == &slabs[i + 1]);
  }
}

BOOST_AUTO_TEST_CASE(the_slab_behind_does_not_come_next_when_another_is_fuller) {
  Slabs slabs(3);
  slabs.set(1, 100);
  slabs.set(2, 5);
  BOOST_TEST(slabs.partial.next_after(&slabs[0]) == &slabs[2]);
}

BOOST_AUTO_TEST_CASE(the_slab_behind_does_not_come_next_when_it_is_not_listed_or_not_the_classes) {
  Slabs slabs(3);
  slabs.set(2, 5);
  BOOST_TEST(slabs.partial.next_after(&slabs[0]) == &slabs[2]);
  BOOST_TEST(slabs.partial.next_after(&slabs[2]) == &slabs[2]);
  PartialSlabs others;
  Slab& stranger = slabs.region.carve(kClass - 1);
  take_all_but(stranger, 5);
  others.update(stranger);
  BOOST_TEST(Region::slab_behind(slabs[2]) == &stranger);
  BOOST_TEST(stranger.list == slabs[2].list);
  BOOST_TEST(slabs.partial.next_after(&slabs[2]) == &slabs[2]);
}

BOOST_AUTO_TEST_CASE(behind_the_last_slab_of_a_region_any_may_come_next) {
  Slabs slabs((kUnitsPerRegion - kHeaderUnits) / 8, 87);
  slabs.set(0, 4);
  Slab& last = *slabs.slabs.back();
  BOOST_TEST(Region::slab_behind(last) == nullptr);
  BOOST_TEST(slabs.partial.next_after(&last) == &slabs[0]);
}

BOOST_AUTO_TEST_CASE(after_any_changes_exactly_the_slabs_with_objects_at_home_are_listed) {
  Random random;
  Slabs slabs(12);
  for (std::size_t step = 0; step != scaled(3000); ++step) {
    const std::size_t index = random.below(12);
    slabs.set(index, static_cast<std::uint32_t>(random.below(3) == 0 ? 0 : random.below(257)));
    if (random.below(4) == 0) slabs.partial.update_first(slabs[index]);
    BOOST_REQUIRE(slabs.partial.is_valid());
    std::vector<Slab*> expected;
    std::ranges::copy_if(slabs.slabs, std::back_inserter(expected),
                         [](Slab* slab) { return slab->free != 0; });
    const auto least = std::ranges::min_element(expected, {}, [](Slab* slab) { return eighth_of(*slab); });
    const Slab* const fullest = slabs.partial.fullest();
    BOOST_REQUIRE((fullest == nullptr) == expected.empty());
    if (fullest != nullptr) BOOST_REQUIRE(eighth_of(*fullest) == eighth_of(**least));
    if (step % 50 != 0) continue;
    std::vector<Slab*> listed = drain(slabs.partial);
    BOOST_REQUIRE(std::ranges::is_sorted(listed, {}, [](Slab* slab) { return eighth_of(*slab); }));
    std::ranges::sort(listed);
    std::ranges::sort(expected);
    BOOST_REQUIRE((listed == expected));
    for (Slab* slab : slabs.slabs) slabs.partial.update(*slab);
  }
}

BOOST_AUTO_TEST_CASE(lists_that_disagree_with_their_slabs_are_not_valid) {
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.list = 5; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.list = Slab::kNotListed; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.previous = nullptr; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { take_all_but(slab, 0); }));
  BOOST_TEST(is_refused_after([](Slab& slab) {
    take_all_but(slab, 0);
    put_lowest(slab, 200);
  }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.bitmap[3] ^= 1; }));
}

BOOST_AUTO_TEST_SUITE_END()
