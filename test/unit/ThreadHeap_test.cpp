// A thread heap by itself: its bins, what it keeps in them, and where its objects go and come from.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <set>
#include <span>
#include <vector>

#include "support/Death.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/OwnRegion.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(thread_heap)

namespace {

using namespace flux::test;
using namespace flux::detail;

std::size_t bin_capacity(unsigned size_class) { return kSizeClassInfo[size_class].bin_capacity; }

// A heap's objects of one class, and how often its bin was refilled or spilled.
class Watched {
 public:
  Watched(ThreadHeap& heap, unsigned size_class) : heap_(heap), class_(size_class) {}

  void pop(std::size_t count) {
    for (; count != 0; --count) {
      const std::size_t before = in_bin(heap_, class_);
      live_.push_back(heap_.pop(class_));
      refills_ += in_bin(heap_, class_) + 1 != before;
    }
  }
  void push(std::size_t count) {
    for (; count != 0; --count) {
      const std::size_t before = in_bin(heap_, class_);
      heap_.push(live_.back(), class_);
      live_.pop_back();
      spills_ += in_bin(heap_, class_) != before + 1;
    }
  }

  std::size_t slow_calls() const { return refills_ + spills_; }
  std::size_t spills() const { return spills_; }

 private:
  ThreadHeap& heap_;
  unsigned class_;
  Objects live_;
  std::size_t refills_ = 0;
  std::size_t spills_ = 0;
};

// Pushes objects one after another until one makes the bin spill; how many that took.
std::size_t push_until_spill(ThreadHeap& heap, unsigned size_class, const Objects& objects) {
  for (std::size_t pushed = 0; pushed != objects.size();) {
    const std::size_t before = in_bin(heap, size_class);
    heap.push(objects[pushed++], size_class);
    if (in_bin(heap, size_class) <= before) return pushed;
  }
  return 0;
}

// The most slow calls that pushing and popping in turn caused anywhere between `held` live objects and none.
std::size_t most_slow_calls_at_one_level(unsigned size_class, std::size_t held) {
  OwnHeap heap;
  Watched objects(*heap, size_class);
  objects.pop(held);
  std::size_t most = 0;
  for (std::size_t level = 1; level != held; ++level) {
    const std::size_t before = objects.slow_calls();
    for (std::size_t i = 0; i != 2 + scaled(10); ++i) {
      objects.push(1);
      objects.pop(1);
    }
    most = std::max(most, objects.slow_calls() - before);
    objects.push(1);
  }
  return most;
}

// Whether a heap that `corrupt` was done to is refused, and was accepted before.
template <class Corrupt>
bool is_refused_after(Corrupt corrupt) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, 10, 1000);
  const bool was_valid = heap->is_valid();
  corrupt(*heap, Region::slab_of(objects.back()));
  return was_valid && !heap->is_valid();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_new_heap_lies_in_its_own_first_region_and_holds_nothing) {
  OwnHeap heap;
  BOOST_TEST(heap.pages().pieces() == 1u);
  BOOST_TEST(heap.pages().committed_bytes() == kHugePageBytes);
  BOOST_TEST(ThreadHeap::owner_of(&*heap) == &*heap);
  BOOST_TEST(heap->bins()->owns(&*heap));
  BOOST_TEST(census_of(*heap).objects == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(objects_of_every_class_are_the_heaps_distinct_aligned_and_keep_their_content) {
  OwnHeap heap;
  std::vector<Objects> objects;
  for (unsigned c = 0; c != kSmallClasses; ++c) objects.push_back(pop_many(*heap, c, scaled(500)));
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    BOOST_TEST(are_distinct(objects[c]));
    BOOST_TEST(are_marked(objects[c], c));
    BOOST_TEST(std::ranges::all_of(objects[c], [&](void* object) { return is_object_of(*heap, object, c); }));
    BOOST_TEST(census_of(*heap, c).away() == objects[c].size());
  }
  BOOST_TEST(complaint_about(*heap) == "");
  for (unsigned c = 0; c != kSmallClasses; ++c) push_all(*heap, objects[c], c);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_was_pushed_last_is_popped_first) {
  OwnHeap heap;
  Objects objects = pop_many(*heap, 2, 100);
  push_all(*heap, objects, 2);
  std::ranges::reverse(objects);
  BOOST_TEST((pop_many(*heap, 2, 100) == objects));
}

BOOST_AUTO_TEST_CASE(pushing_and_popping_in_turn_takes_the_slow_path_at_most_twice_at_any_level) {
  for (unsigned c = 0; c != kSmallClasses; ++c)
    BOOST_TEST(most_slow_calls_at_one_level(c, 2 * bin_capacity(c)) <= 2u, "class " << c);
}

BOOST_AUTO_TEST_CASE(the_same_holds_while_a_large_container_is_cleared) {
  for (const unsigned c : {0u, 2u, 30u, 50u, 70u, 87u})
    BOOST_TEST(most_slow_calls_at_one_level(c, 8 * bin_capacity(c)) <= 2u, "class " << c);
}

BOOST_AUTO_TEST_CASE(a_container_that_fits_into_its_bin_never_spills) {
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    OwnHeap heap;
    Watched objects(*heap, c);
    for (int round = 0; round != 10; ++round) {
      objects.pop(bin_capacity(c) / 2);
      objects.push(bin_capacity(c) / 2);
    }
    BOOST_TEST(objects.spills() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_spill_keeps_the_half_that_was_pushed_last_in_its_order) {
  OwnHeap heap;
  const std::size_t capacity = bin_capacity(20);
  const Objects objects = pop_many(*heap, 20, 2 * capacity);
  const std::size_t pushed = push_until_spill(*heap, 20, objects);
  BOOST_TEST(in_bin(*heap, 20) == capacity / 2);
  Objects kept(objects.begin() + static_cast<std::ptrdiff_t>(pushed - capacity / 2),
               objects.begin() + static_cast<std::ptrdiff_t>(pushed));
  std::ranges::reverse(kept);
  BOOST_TEST((pop_many(*heap, 20, capacity / 2) == kept));
}

BOOST_AUTO_TEST_CASE(a_bin_that_spills_and_spills_keeps_little_until_it_is_refilled) {
  OwnHeap heap;
  const std::size_t capacity = bin_capacity(2);
  const Objects objects = pop_many(*heap, 2, 20 * capacity);
  push_all(*heap, objects, 2);
  BOOST_TEST(in_bin(*heap, 2) < capacity / 8);
  push_until_spill(*heap, 2, pop_many(*heap, 2, 2 * capacity));
  BOOST_TEST(in_bin(*heap, 2) == capacity / 2);
}

BOOST_AUTO_TEST_CASE(a_bin_of_few_places_keeps_them_while_it_spills_and_spills) {
  OwnHeap heap;
  Watched objects(*heap, kSmallClasses - 1);
  const std::size_t capacity = bin_capacity(kSmallClasses - 1);
  objects.pop(20 * capacity);
  objects.push(20 * capacity);
  BOOST_TEST(objects.spills() <= 20 * capacity / (capacity / 2));
}

BOOST_AUTO_TEST_CASE(what_went_home_in_any_order_is_handed_out_slab_by_slab_in_address_order) {
  Random random;
  for (const unsigned c : {0u, 2u, 7u, 31u, 45u, 87u}) {
    OwnHeap heap;
    Objects objects = pop_many(*heap, c, 20 * kSizeClassInfo[c].capacity);
    shuffle(objects, random);
    push_all(*heap, objects, c);
    pop_many(*heap, c, in_bin(*heap, c));
    const Objects popped = pop_many(*heap, c, objects.size() / 2);
    std::set<const Slab*> finished;
    const Slab* current = nullptr;
    for (std::size_t i = 0; i != popped.size(); ++i) {
      const Slab* const slab = &Region::slab_of(popped[i]);
      if (slab == current) {
        BOOST_REQUIRE(popped[i] > popped[i - 1]);
        continue;
      }
      finished.insert(current);
      current = slab;
      BOOST_REQUIRE(!finished.contains(current));
    }
    BOOST_TEST(finished.size() >= 9u);
  }
}

BOOST_AUTO_TEST_CASE(fresh_objects_follow_each_other_through_many_slabs) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, 2, 30'000);
  BOOST_TEST(std::ranges::is_sorted(objects));
}

BOOST_AUTO_TEST_CASE(of_equally_full_slabs_one_after_another_is_used_up) {
  constexpr unsigned kClass = 31;
  constexpr std::size_t kSlabs = 60, kPerSlab = 256, kFreedPerSlab = 100;
  Random random;
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, kSlabs * kPerSlab);
  Objects freed;
  for (std::size_t i = 0; i != objects.size(); ++i)
    if (i % kPerSlab < kFreedPerSlab) freed.push_back(objects[i]);
  shuffle(freed, random);
  push_all(*heap, freed, kClass);
  pop_many(*heap, kClass, in_bin(*heap, kClass));
  std::size_t to_the_next = 0;
  const Slab* previous = nullptr;
  for (const void* object : pop_many(*heap, kClass, census_of(*heap, kClass).home)) {
    const Slab* const slab = &Region::slab_of(object);
    to_the_next += previous != nullptr && slab == previous + 1;
    previous = slab;
  }
  BOOST_TEST(to_the_next >= kSlabs / 2);
}

BOOST_AUTO_TEST_CASE(memory_that_one_class_freed_serves_all_others) {
  OwnHeap heap;
  std::size_t after_first = 0;
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    const Objects objects = pop_many(*heap, c, (std::size_t{8} << 20) / stride_of(c));
    push_all(*heap, objects, c);
    if (c == 0) after_first = heap.pages().committed_bytes();
  }
  BOOST_TEST(heap.pages().committed_bytes() < after_first + (std::size_t{48} << 20));
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(a_slab_whose_objects_are_all_home_is_given_up) {
  Random random;
  for (const unsigned c : {0u, 2u, 31u, 50u, 87u}) {
    OwnHeap heap;
    Objects objects = pop_many(*heap, c, 20 * kSizeClassInfo[c].capacity);
    shuffle(objects, random);
    push_all(*heap, objects, c);
    const Census census = census_of(*heap, c);
    BOOST_TEST(census.slabs <= 1 + census.in_bins);
    BOOST_TEST(census.away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(after_any_pops_and_pushes_nothing_is_lost_and_all_structures_agree) {
  Random random;
  OwnHeap heap;
  std::vector<Objects> live(kSmallClasses);
  for (std::size_t step = 0; step != scaled(2000); ++step) {
    const auto c = static_cast<unsigned>(random.below(kSmallClasses));
    const std::size_t count = random.below(2 * bin_capacity(c));
    if (random.below(2) == 0) {
      append(live[c], pop_many(*heap, c, count));
    } else {
      shuffle(live[c], random);
      const std::size_t kept = live[c].size() - std::min(count, live[c].size());
      const std::span<void* const> freed = std::span(live[c]).subspan(kept);
      BOOST_REQUIRE(are_marked(freed, c));
      push_all(*heap, freed, c);
      live[c].resize(kept);
    }
    BOOST_REQUIRE(census_of(*heap, c).away() == live[c].size());
    if (step % 100 == 0) BOOST_REQUIRE(complaint_about(*heap) == "");
  }
  for (unsigned c = 0; c != kSmallClasses; ++c) BOOST_TEST(are_marked(live[c], c));
}

BOOST_AUTO_TEST_CASE(an_address_that_flux_never_handed_out_has_no_owner_and_ends_the_program) {
  OwnRegion region;
  region->magic = 0;
  BOOST_TEST(aborts_with("never handed out", [&] { ThreadHeap::owner_of(region->unit(100)); }));
}

BOOST_AUTO_TEST_CASE(a_heap_whose_structures_disagree_is_not_valid) {
  BOOST_TEST(is_refused_after([](ThreadHeap& heap, Slab&) { heap.bins()->bins[10].level = 0; }));
  BOOST_TEST(is_refused_after([](ThreadHeap&, Slab& slab) { ++slab.free; }));
  BOOST_TEST(is_refused_after([](ThreadHeap&, Slab& slab) { slab.list ^= 1; }));
  BOOST_TEST(is_refused_after([](ThreadHeap&, Slab& slab) {  // home, in a slab that is in no list
    Slab& full = *(&slab - 1);
    void* object = full.objects;
    full.put(&object, &object + 1);
  }));
  BOOST_TEST(is_refused_after([](ThreadHeap& heap, Slab&) { Region::of(&heap)->free_units[3] ^= 1; }));
}

BOOST_AUTO_TEST_SUITE_END()
