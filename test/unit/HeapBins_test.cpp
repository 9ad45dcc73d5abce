// What a heap keeps in its bins: enough for classes in use, nothing for others, little while memory goes back.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/Control.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <span>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(heap_bins)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 7;  // 64 bytes
constexpr unsigned kOther = 9;
constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Takes and gives back so many objects: a slow call for some hundred.
void use(ThreadHeap& heap, unsigned size_class, std::size_t objects) {
  push_all(heap, pop_many(heap, size_class, objects), size_class);
}

/// Leaves objects in a bin that lie in as many slabs, where they can.
void leave_scattered(ThreadHeap& heap, unsigned size_class, std::size_t bytes) {
  Random random;
  Objects objects = pop_many(heap, size_class, bytes / stride_of(size_class));
  shuffle(objects, random);
  push_all(heap, objects, size_class);
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_left_in_the_bin_of_a_class_out_of_use_comes_home) {
  const WithRetentionLimit hold(flux::kHold);
  for (const unsigned c : {0u, kClass, 31u, 60u, 87u}) {
    OwnHeap heap;
    leave_scattered(*heap, c, 16 * kMiB);
    BOOST_TEST(in_bin(*heap, c) > 0u);
    use(*heap, kOther, 100'000);
    BOOST_TEST(in_bin(*heap, c) == 0u);
    BOOST_TEST(census_of(*heap, c).slabs == 0u);
    BOOST_TEST(in_bin(*heap, kOther) > 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(an_object_in_a_bin_that_is_home_as_well_is_not_valid) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 1);
  push_all(*heap, objects, kClass);
  void* object = objects.front();
  BOOST_TEST(heap->heap_bins().is_valid());
  Slab& slab = Region::slab_of(object);
  slab.put(&object, &object + 1);
  BOOST_TEST(!heap->heap_bins().is_valid());
  slab.bitmap[slab.object_at(object) / 64] &= ~(std::uint64_t{1} << slab.object_at(object) % 64);
  slab.free -= 1;
  BOOST_TEST(heap->heap_bins().is_valid());
}

BOOST_AUTO_TEST_CASE(what_is_left_in_the_bins_of_all_other_classes_comes_home) {
  OwnHeap heap;
  for (unsigned c = 0; c != kSmallClasses; ++c) use(*heap, c, 200);
  use(*heap, kOther, 400'000);
  BOOST_TEST(census_of(*heap).slabs == census_of(*heap, kOther).slabs);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(the_bin_of_a_class_that_is_used_now_and_then_is_left_alone) {
  OwnHeap heap;
  use(*heap, kClass, 1000);
  Objects held;
  for (int round = 0; round != 500; ++round) {
    const std::size_t before = in_bin(*heap, kClass);
    append(held, pop_many(*heap, kClass, 1));
    BOOST_REQUIRE(in_bin(*heap, kClass) + 1 == before);
    use(*heap, kOther, 2000);  // fewer slow calls than look at all bins
  }
  push_all(*heap, held, kClass);
}

BOOST_AUTO_TEST_CASE(a_bin_that_lost_its_coldest_objects_is_filled_and_spilled_as_before) {
  for (std::size_t slow_uses = 1; slow_uses != 60; ++slow_uses) {
    OwnHeap heap;
    const Objects objects = pop_many(*heap, kClass, 5000);
    leave_scattered(*heap, kClass, kMiB);
    use(*heap, kOther, slow_uses * 1500);
    push_all(*heap, objects, kClass);
    BOOST_REQUIRE(census_of(*heap).away() == 0u);
    BOOST_REQUIRE(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(while_memory_goes_back_object_by_object_a_bin_keeps_next_to_none) {
  for (const std::size_t limit : {std::size_t{0}, 8 * kMiB}) {
    const WithRetentionLimit some(limit);
    OwnHeap heap;
    leave_scattered(*heap, kClass, 48 * kMiB);
    BOOST_TEST(in_bin(*heap, kClass) <= 8u);
    BOOST_TEST(heap->retained_bytes() <= limit + 8 * kUnitBytes);
    BOOST_TEST(complaint_about(*heap) == "");
    use(*heap, kClass, 1000);
    BOOST_TEST(in_bin(*heap, kClass) > 500u);  // and as before when it is in use again
  }
}

BOOST_AUTO_TEST_CASE(while_memory_goes_back_slab_by_slab_a_bin_keeps_what_it_keeps) {
  const WithRetentionLimit none(0);
  OwnHeap heap;
  push_all(*heap, pop_many(*heap, kClass, 48 * kMiB / 64), kClass);  // in order
  BOOST_TEST(in_bin(*heap, kClass) > 8u);
}

BOOST_AUTO_TEST_CASE(within_what_is_reserved_nothing_goes_back_and_no_bin_comes_home) {
  OwnHeap heap;
  use(*heap, kOther, 500'000);
  BOOST_REQUIRE(heap->reserve(kClass, 100'000));
  const WithRetentionLimit none(0);
  const std::size_t discards = heap.pages().discards(), others = in_bin(*heap, kOther);
  heap.pages().fail_from(1);
  for (int round = 0; round != 20; ++round) use(*heap, kClass, 100'000);
  BOOST_TEST(heap.pages().calls() == 0u);
  BOOST_TEST(heap.pages().discards() == discards);
  BOOST_TEST(in_bin(*heap, kOther) == others);
  heap.pages().fail_never();
  use(*heap, kOther, 100'000);
  BOOST_TEST(heap->retained_bytes() <= 2 * kMiB);
}

BOOST_AUTO_TEST_SUITE_END()
