// An outbox sends each object to its owner, in full chains or when it is flushed.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/Outbox.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Order.hpp"

BOOST_AUTO_TEST_SUITE(outbox)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 7;  // 64 bytes, of which 64 fill a chain

// Several heaps, more than an outbox has places for.
struct Owners {
  static constexpr std::size_t kOwners = 100;

  Owners() {
    for (std::size_t i = 0; i != kOwners; ++i) heaps.push_back(ThreadHeap::create(domain_info<>));
  }

  FailingPageSource pages{kSingleRegions};
  std::vector<ThreadHeap*> heaps;
};

void add(Outbox& outbox, ThreadHeap* owner, void* object, unsigned size_class) {
  outbox.add(owner, ObjectRun(object, size_class), size_class);
}

}  // namespace

BOOST_AUTO_TEST_CASE(objects_stay_until_their_chain_is_full_or_flushed) {
  Random random;
  for (const Order order : kOrders) {
    OwnHeap heap;
    Objects objects = pop_many(*heap, kClass, 100);
    arrange(objects, order, random);
    Outbox outbox;
    for (std::size_t i = 0; i != 63; ++i) add(outbox, &*heap, objects[i], kClass);
    BOOST_TEST(collect_once(*heap) == 0u);
    add(outbox, &*heap, objects[63], kClass);
    BOOST_TEST(collect_once(*heap) == 64u);
    for (std::size_t i = 64; i != 100; ++i) add(outbox, &*heap, objects[i], kClass);
    BOOST_TEST(collect_once(*heap) == 0u);
    outbox.flush();
    BOOST_TEST(collect_once(*heap) == 36u);
    BOOST_TEST(census_of(*heap).away() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_a_thread_has_of_its_own_is_all_zero_at_first_so_that_it_need_not_be_resident) {
  static constinit LocalThread fresh;
  const auto* const bytes = reinterpret_cast<const std::byte*>(&fresh);
  BOOST_TEST(std::all_of(bytes, bytes + sizeof fresh, [](std::byte byte) { return byte == std::byte{}; }));
}

BOOST_AUTO_TEST_CASE(what_is_in_it_is_found_in_it) {
  Random random;
  for (const Order order : kOrders)
    for (const std::size_t count : {0u, 1u, 2u, 10u, 63u}) {
      OwnHeap heap;
      Objects objects = pop_many(*heap, kClass, count);
      arrange(objects, order, random);
      Outbox outbox;
      for (void* object : objects) add(outbox, &*heap, object, kClass);
      Objects found;
      outbox.for_each([&found](void* object) { found.push_back(object); });
      BOOST_TEST(is_same_set(found, objects));
      outbox.flush();
      outbox.for_each([](void*) { BOOST_TEST(false); });
    }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_half_a_chain_is_posted_at_once_and_a_shorter_one_is_not) {
  if (kIsNarrow) return;  // there are none
  for (const unsigned c : {1u, kClass, 40u})
    for (const std::uint32_t count : {31u, 32u, 64u}) {
      OwnHeap heap;
      Objects objects = pop_many(*heap, c, 64);
      std::ranges::sort(objects);
      Outbox outbox;
      outbox.add(&*heap, ObjectRun(objects[0], c).with_more(count - 1), c);
      BOOST_TEST(heap->chains_posted() == (Chain::weight_of(count, c) >= Chain::kWeight / 2));
      outbox.flush();
      BOOST_TEST(heap->chains_posted() == 1u);
      BOOST_TEST(collect_once(*heap) == count);
      BOOST_TEST(complaint_about(*heap) == "");
    }
}

BOOST_AUTO_TEST_CASE(runs_for_which_the_inbox_has_no_place_go_home_as_chains) {
  if (kIsNarrow) return;
  OwnHeap heap;
  Objects objects = pop_many(*heap, kClass, 64 * 20);
  std::ranges::sort(objects);
  Outbox outbox;
  for (std::size_t i = 0; i != objects.size(); i += 64)
    outbox.post(&*heap, ObjectRun(objects[i], kClass).with_more(63), kClass);
  BOOST_TEST(heap->chains_posted() == 20u);
  BOOST_TEST(collect_once(*heap) == objects.size());
  BOOST_TEST(heap->chains_collected() == 20u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(a_single_object_is_flushed) {
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    OwnHeap heap;
    Outbox outbox;
    add(outbox, &*heap, pop_many(*heap, c, 1).front(), c);
    outbox.flush();
    BOOST_TEST(collect_once(*heap) == 1u);
  }
}

BOOST_AUTO_TEST_CASE(flushing_an_empty_outbox_or_twice_sends_nothing) {
  OwnHeap heap;
  Outbox outbox;
  outbox.flush();
  add(outbox, &*heap, pop_many(*heap, kClass, 1).front(), kClass);
  outbox.flush();
  outbox.flush();
  BOOST_TEST(collect_once(*heap) == 1u);
  BOOST_TEST(collect_once(*heap) == 0u);
}

BOOST_AUTO_TEST_CASE(objects_of_several_classes_go_home_together) {
  OwnHeap heap;
  Outbox outbox;
  for (int round = 0; round != 10; ++round)
    for (unsigned c = 0; c != kSmallClasses; ++c) add(outbox, &*heap, pop_many(*heap, c, 1).front(), c);
  outbox.flush();
  settle(*heap);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(more_owners_than_places_get_each_their_own) {
  Random random;
  Owners owners;
  std::vector<std::pair<ThreadHeap*, void*>> freed;
  for (ThreadHeap* heap : owners.heaps)
    for (void* object : pop_many(*heap, kClass, 70)) freed.emplace_back(heap, object);
  for (const bool is_mixed : {false, true}) {
    if (is_mixed) std::ranges::shuffle(freed, random);
    Outbox outbox;
    for (const auto& [heap, object] : freed) add(outbox, heap, object, kClass);
    outbox.flush();
    for (ThreadHeap* heap : owners.heaps) {
      settle(*heap);
      BOOST_TEST(census_of(*heap).away() == 0u);
      BOOST_TEST(complaint_about(*heap) == "");
    }
    freed.clear();
    for (ThreadHeap* heap : owners.heaps)
      for (void* object : pop_many(*heap, kClass, 70)) freed.emplace_back(heap, object);
  }
}

BOOST_AUTO_TEST_CASE(four_owners_have_places_in_a_set_whatever_comes_to_others) {
  Owners owners;
  std::map<std::size_t, std::vector<ThreadHeap*>> sets;
  for (ThreadHeap* heap : owners.heaps) sets[Outbox::set_of(heap)].push_back(heap);
  for (std::size_t count = 1; count <= 4; ++count) {
    std::erase_if(sets, [count](const auto& set) { return set.second.size() < count; });
    BOOST_REQUIRE(sets.size() > 1);
    Outbox outbox;
    for (int round = 0; round != 5; ++round) {
      for (std::size_t i = 0; i != count; ++i) {
        for (const auto& [number, heaps] : sets)
          add(outbox, heaps[i], pop_many(*heaps[i], kClass, 1).front(), kClass);
      }
    }
    for (ThreadHeap* heap : owners.heaps) BOOST_TEST(heap->chains_posted() == 0u);
    // Abandoned with its objects: what the outbox did not post stays away.
  }
}

BOOST_AUTO_TEST_CASE(a_single_object_is_posted_without_help_where_the_thread_must_not_help) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 2);
  heap->disown();
  Outbox outbox;
  outbox.set_may_help(false);
  outbox.post(&*heap, ObjectRun(objects[0], kClass), kClass);
  BOOST_TEST(heap->chains_collected() == 0u);
  outbox.set_may_help(true);
  outbox.post(&*heap, ObjectRun(objects[1], kClass), kClass);
  BOOST_TEST(heap->chains_collected() == 2u);
}

BOOST_AUTO_TEST_CASE(one_object_of_any_class_can_be_posted_at_once) {
  OwnHeap heap;
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    for (void* object : pop_many(*heap, c, 2)) Outbox().post(&*heap, ObjectRun(object, c), c);
    BOOST_TEST(collect_once(*heap) == 2u);
  }
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_SUITE_END()
