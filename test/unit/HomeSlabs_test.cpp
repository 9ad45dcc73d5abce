// The slabs of a heap, of all classes: what is taken from them, put back, and kept for a reservation.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/slab/HomeSlabs.hpp>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/ObjectSets.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(home_slabs)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClasses[] = {0, 2, 7, 24, 46, 87};

std::size_t capacity_of(unsigned size_class) { return kSizeClassInfo[size_class].capacity; }
std::size_t slab_bytes(unsigned size_class) { return kSizeClassInfo[size_class].units * kUnitBytes; }

SlabSource open_source() {
  SlabSource source;
  BOOST_REQUIRE(source.open_first());
  source.take_heap_units();
  return source;
}

// Slabs whose memory is released at the end.
struct OwnSlabs {
  explicit OwnSlabs(std::size_t address_limit = kModestPieces) : pages(address_limit), slabs(open_source()) {}
  HomeSlabs* operator->() { return &slabs; }

  /// At most `count` objects, less when memory is out.
  Objects take(unsigned size_class, std::size_t count) {
    Objects places(count);
    void** low = places.data() + count;
    while (low != places.data()) {
      void** const before = low;
      low = slabs.take(size_class, places.data(), low);
      if (low == before) break;
    }
    return Objects(low, places.data() + count);
  }
  void put(Objects objects) {
    for (void** first = objects.data(); first != objects.data() + objects.size();) {
      const unsigned size_class = Region::slab_of(*first).size_class;
      void** last = first;
      while (last != objects.data() + objects.size() && Region::slab_of(*last).size_class == size_class)
        ++last;
      first = slabs.put_of(size_class, first, last);
    }
  }

  std::size_t count(unsigned size_class) {
    std::size_t found = 0;
    slabs.source().for_each_slab([&](const Slab& slab) { found += slab.size_class == size_class; });
    return found;
  }
  std::size_t home(unsigned size_class) {
    std::size_t found = 0;
    slabs.source().for_each_slab(
        [&](const Slab& slab) { found += slab.size_class == size_class ? slab.free : 0; });
    return found;
  }

  FailingPageSource pages;
  HomeSlabs slabs;
};

ObjectRun run_of(const Objects& sorted, std::uint32_t index, std::uint32_t count, unsigned size_class) {
  return ObjectRun(sorted[index], size_class).with_more(count - 1);
}

}  // namespace

BOOST_AUTO_TEST_CASE(objects_are_taken_in_address_order_from_slabs_that_are_cut_when_needed) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    const std::size_t count = capacity_of(c) + capacity_of(c) / 2;
    Objects places(count);
    void** low = slabs->take(c, places.data(), places.data() + count);
    BOOST_TEST(std::is_sorted(low, places.data() + count, std::greater<>()));             // lowest on top
    BOOST_TEST(static_cast<std::size_t>(places.data() + count - low) == capacity_of(c));  // a whole slab
    BOOST_TEST(slabs.count(c) == 1u);
    low = slabs->take(c, places.data(), low);
    BOOST_TEST((low == places.data()));
    BOOST_TEST(slabs.count(c) == 2u);
    BOOST_TEST(are_distinct(places));
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(a_take_looks_at_eight_slabs_at_most) {
  constexpr unsigned kClass = 46;
  OwnSlabs slabs;
  const Objects objects = slabs.take(kClass, 20 * capacity_of(kClass));
  std::set<const Slab*> seen;
  Objects one_of_each;
  for (void* object : objects)
    if (seen.insert(&Region::slab_of(object)).second) one_of_each.push_back(object);
  slabs.put(one_of_each);
  Objects places(one_of_each.size());
  void** const end = places.data() + places.size();
  BOOST_TEST(end - slabs->take(kClass, places.data(), end) == 8);
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(a_take_wants_64_scattered_objects_at_most_and_any_number_that_lie_together) {
  constexpr unsigned kClass = 7;
  OwnSlabs slabs;
  const Objects objects = slabs.take(kClass, 4 * capacity_of(kClass));
  Objects every_third, places(256);
  for (std::size_t i = 0; i < objects.size(); i += 3) every_third.push_back(objects[i]);
  slabs.put(every_third);
  void** const end = places.data() + places.size();
  BOOST_TEST(end - slabs->take(kClass, places.data(), end) == 64);
  for (std::size_t taken = 0; taken != capacity_of(kClass + 1);) {
    const auto now = static_cast<std::size_t>(end - slabs->take(kClass + 1, places.data(), end));
    BOOST_TEST(now == std::min(places.size(), capacity_of(kClass + 1) - taken));
    taken += now;
  }
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(a_take_without_memory_takes_nothing) {
  OwnSlabs slabs;
  slabs.take(3, 1);
  slabs.pages.fail_from(1);
  for (const unsigned c : kClasses) {
    while (!slabs.take(c, 10'000).empty()) continue;
    void* place = nullptr;
    BOOST_TEST((slabs->take(c, &place, &place + 1) == &place + 1));
  }
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(a_slab_whose_objects_are_all_home_serves_other_classes) {
  OwnSlabs slabs;
  for (const unsigned c : kClasses) {
    Objects objects = slabs.take(c, 3 * capacity_of(c));
    void* const last = objects.back();
    objects.pop_back();
    slabs.put(objects);
    BOOST_TEST(slabs.count(c) == 1u);
    slabs.put({last});
    BOOST_TEST(slabs.count(c) == 0u);
    BOOST_TEST(slabs->is_valid());
  }
  BOOST_TEST(slabs.pages.committed_bytes() <= 3 * kHugePageBytes);
}

BOOST_AUTO_TEST_CASE(a_put_brings_home_no_more_runs_than_it_may) {
  OwnSlabs slabs;
  constexpr unsigned kClass = 31;
  const Objects objects = slabs.take(kClass, 2 * capacity_of(kClass));
  Objects mixed;  // one of this slab, one of that
  for (std::size_t i = 0; i != capacity_of(kClass); ++i) {
    mixed.push_back(objects[i]);
    mixed.push_back(objects[i + capacity_of(kClass)]);
  }
  void** const first = mixed.data();
  void** const last = first + mixed.size();
  BOOST_TEST((slabs->put_of(kClass, first, last, 0) == first));
  BOOST_TEST((slabs->put_of(kClass, first, last, 7) == first + 7));
  BOOST_TEST(slabs.home(kClass) == 7u);
  BOOST_TEST((slabs->put_of(kClass, first + 7, last) == last));
  BOOST_TEST(slabs.count(kClass) == 0u);
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(after_a_reservation_so_many_objects_are_home_in_slabs_whose_memory_is_resident) {
  for (const unsigned c : kClasses)
    for (const std::size_t slabs_wanted : {1u, 2u, 17u}) {
      OwnSlabs slabs;
      const std::size_t count = slabs_wanted * capacity_of(c);
      BOOST_TEST(slabs->reserve(c, count - capacity_of(c) + 1));
      BOOST_TEST(slabs.count(c) == slabs_wanted);
      BOOST_TEST(slabs.home(c) == count);
      BOOST_TEST(slabs.pages.populated_bytes() >= slabs_wanted * slab_bytes(c));
      BOOST_TEST(slabs.pages.complaint() == "");
      BOOST_TEST(slabs->is_valid());
      slabs.pages.fail_from(1);
      BOOST_TEST(slabs.take(c, count).size() == count);
      BOOST_TEST(slabs.pages.calls() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(reserved_slabs_stay_their_classs_whatever_is_put_back) {
  Random random;
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    const std::size_t count = 5 * capacity_of(c);
    BOOST_TEST(slabs->reserve(c, count));
    for (int round = 0; round != 3; ++round) {
      Objects objects = slabs.take(c, count);
      std::ranges::shuffle(objects, random);
      slabs.put(objects);
      BOOST_TEST(slabs.count(c) == 5u);
      BOOST_TEST(slabs.home(c) == count);
      BOOST_TEST(slabs->is_valid());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_a_class_takes_beyond_its_reservation_is_given_up_again) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    BOOST_TEST(slabs->reserve(c, 3 * capacity_of(c)));
    slabs.put(slabs.take(c, 6 * capacity_of(c)));
    BOOST_TEST(slabs.count(c) == 3u);
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(what_is_home_already_counts_and_what_is_live_does_not) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    const Objects live = slabs.take(c, capacity_of(c) / 2);
    BOOST_TEST(slabs->reserve(c, capacity_of(c) - live.size()));
    BOOST_TEST(slabs.count(c) == 1u);
    BOOST_TEST(slabs->reserve(c, capacity_of(c)));
    BOOST_TEST(slabs.count(c) == 2u);
    slabs.put(live);
    BOOST_TEST(slabs.count(c) == 2u);
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(a_reservation_after_what_was_reserved_is_live_adds_to_it) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    BOOST_TEST(slabs->reserve(c, 2 * capacity_of(c)));
    const Objects first = slabs.take(c, 2 * capacity_of(c));
    BOOST_TEST(slabs->reserve(c, 3 * capacity_of(c)));
    BOOST_TEST(slabs.count(c) == 5u);
    slabs.put(first);
    BOOST_TEST(slabs.count(c) == 5u);
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(a_reservation_beyond_all_addresses_takes_none_of_them) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs(kSingleRegions);
    const std::size_t before = slabs.pages.reserved_bytes();
    BOOST_TEST(!slabs->reserve(c, (kSingleRegions / slab_bytes(c) + 1) * capacity_of(c)));
    BOOST_TEST(slabs.pages.reserved_bytes() == before);
    BOOST_TEST(slabs->reserve(c, capacity_of(c)));
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(classes_are_reserved_independently) {
  OwnSlabs slabs;
  for (const unsigned c : kClasses) BOOST_TEST(slabs->reserve(c, 2 * capacity_of(c)));
  for (const unsigned c : kClasses) slabs.put(slabs.take(c, 2 * capacity_of(c)));
  for (const unsigned c : kClasses) BOOST_TEST(slabs.count(c) == 2u);
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(the_end_of_all_reservations_gives_up_slabs_without_live_objects) {
  OwnSlabs slabs;
  std::vector<Objects> live;
  for (const unsigned c : kClasses) {
    BOOST_TEST(slabs->reserve(c, 4 * capacity_of(c)));
    live.push_back(slabs.take(c, 1));
  }
  slabs->end_reserve();
  for (const unsigned c : kClasses) BOOST_TEST(slabs.count(c) == 1u);
  BOOST_TEST(slabs->is_valid());
  for (const Objects& objects : live) slabs.put(objects);
  for (const unsigned c : kClasses) BOOST_TEST(slabs.count(c) == 0u);
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(a_reservation_is_made_whole_or_leaves_what_was_there) {
  for (const unsigned c : kClasses) {
    const std::size_t first = 2 * capacity_of(c), second = first + (std::size_t{40} << 20) / stride_of(c);
    std::size_t n = 1;
    for (bool is_refused = true; is_refused; n += is_refused && n > 20 ? 97 : 1) {
      OwnSlabs slabs(kSingleRegions);
      BOOST_REQUIRE(slabs->reserve(c, first));
      const Objects live = slabs.take(c, 1);
      slabs.pages.fail_at(n);
      is_refused = !slabs->reserve(c, second);
      BOOST_REQUIRE(slabs->is_valid());
      BOOST_REQUIRE(is_refused == (slabs.pages.calls() >= n));
      if (is_refused) BOOST_REQUIRE(slabs.count(c) == 2u);
      slabs.pages.fail_never();
      BOOST_REQUIRE(slabs->reserve(c, second));
      BOOST_REQUIRE(slabs.home(c) >= second);
      slabs.put(live);
      BOOST_REQUIRE(slabs->is_valid());
      BOOST_REQUIRE(slabs.pages.complaint() == "");
    }
    BOOST_TEST(n > 20u);
  }
}

BOOST_AUTO_TEST_CASE(a_reservation_that_fails_leaves_an_earlier_one_in_its_slabs) {
  for (const unsigned c : kClasses) {
    OwnSlabs slabs;
    BOOST_REQUIRE(slabs->reserve(c, 3 * capacity_of(c)));
    std::set<const Slab*> before, after;
    slabs->source().for_each_slab([&](const Slab& slab) { before.insert(&slab); });
    slabs.pages.fail_from(20);
    BOOST_TEST(!slabs->reserve(c, 2000 * capacity_of(c)));
    slabs->source().for_each_slab([&](const Slab& slab) { after.insert(&slab); });
    BOOST_TEST((after == before));
    BOOST_TEST(slabs->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(after_any_takes_puts_and_reservations_all_structures_agree) {
  Random random;
  OwnSlabs slabs;
  std::vector<Objects> live(std::size(kClasses));
  for (std::size_t step = 0; step != scaled(1000); ++step) {
    const std::size_t i = random.below(std::size(kClasses));
    const unsigned c = kClasses[i];
    const std::size_t count = random.below(3 * capacity_of(c)) + 1;
    switch (random.below(10)) {
      case 0:
        BOOST_REQUIRE(slabs->reserve(c, count));
        BOOST_REQUIRE(slabs.home(c) >= count);
        break;
      case 1:
        slabs->end_reserve();
        break;
      case 2:
        slabs->source().discard_all();
        break;
      case 3:
      case 4:
      case 5:
        append(live[i], slabs.take(c, count));
        break;
      default:
        std::ranges::shuffle(live[i], random);
        const std::size_t kept = live[i].size() - std::min(live[i].size(), count);
        slabs.put(Objects(live[i].begin() + static_cast<std::ptrdiff_t>(kept), live[i].end()));
        live[i].resize(kept);
    }
    BOOST_REQUIRE(slabs.home(c) + live[i].size() == slabs.count(c) * capacity_of(c));
    if (step % 10 == 0) BOOST_REQUIRE(slabs->is_valid());
  }
  for (const Objects& objects : live) BOOST_TEST(are_distinct(objects));
  BOOST_TEST(slabs.pages.complaint() == "");
}

BOOST_AUTO_TEST_CASE(runs_come_home_to_all_slabs_that_they_lie_in) {
  if (kIsNarrow) return;                                  // runs are of one object
  for (const unsigned c : {0u, 2u, 7u, 31u, 33u, 60u}) {  // 7 and 31 leave nothing of a slab
    const auto capacity = static_cast<std::uint32_t>(capacity_of(c));
    const bool is_dense = slab_bytes(c) == capacity * stride_of(c);
    for (const std::uint32_t index : {0u, 1u, capacity - 1})
      for (const std::uint32_t count : {1u, 2u, 63u, 64u}) {
        if (!is_dense && index + count > capacity) continue;
        OwnSlabs slabs;
        Objects objects = slabs.take(c, 40 * capacity);
        std::ranges::sort(objects);
        ObjectRun runs[] = {run_of(objects, index, count, c), ObjectRun(objects.back(), c),
                            ObjectRun(objects[objects.size() - 3], c)};
        std::size_t came = 0;
        slabs->put(runs, runs + 3, [&](unsigned of_class, std::size_t some) {
          BOOST_REQUIRE(of_class == c);
          came += some;
        });
        BOOST_REQUIRE(came == count + 2);
        BOOST_REQUIRE(slabs.count(c) * capacity - slabs.home(c) == objects.size() - count - 2);
        BOOST_REQUIRE(slabs->is_valid());
      }
  }
}

BOOST_AUTO_TEST_CASE(runs_of_several_classes_come_home_together) {
  OwnSlabs slabs;
  std::vector<ObjectRun> runs;
  for (const unsigned c : kClasses)
    for (void* object : slabs.take(c, 10)) runs.emplace_back(object, c);
  std::map<unsigned, std::size_t> came;
  slabs->put(runs.data(), runs.data() + runs.size(),
             [&](unsigned c, std::size_t count) { came[c] += count; });
  for (const unsigned c : kClasses) {
    BOOST_TEST(came[c] == 10u);
    BOOST_TEST(slabs.count(c) == 0u);
  }
  BOOST_TEST(slabs->is_valid());
}

BOOST_AUTO_TEST_CASE(a_run_that_is_none_ends_the_program_first_or_behind_others) {
  const auto put = [](std::size_t before, unsigned size_class, std::size_t further, std::size_t doubled) {
    OwnSlabs slabs;
    Objects objects = slabs.take(7, 100);
    std::ranges::sort(objects);
    if (doubled != 0) slabs.put({objects[doubled]});
    ObjectRun runs[] = {ObjectRun(objects[0], 7),
                        ObjectRun(static_cast<std::byte*>(objects[10]) + further, size_class)};
    slabs->put(runs + 1 - before, runs + 2, [](unsigned, std::size_t) {});
  };
  for (const std::size_t before : {0u, 1u}) {
    BOOST_TEST(aborts_with("inside", [&] { put(before, 7, 8, 0); }));
    BOOST_TEST(aborts_with("no object lies at", [&] { put(before, 7, kRegionBytes / 4, 0); }));
    BOOST_TEST(aborts_with("double free", [&] { put(before, 7, 0, 10); }));
    if (!kIsNarrow) BOOST_TEST(aborts_with("another size", [&] { put(before, 8, 0, 0); }));
  }
}

BOOST_AUTO_TEST_CASE(a_run_of_more_objects_than_can_be_ends_the_program) {
  if (kIsNarrow) return;
  for (const std::uint32_t count : {65u, 200u})
    BOOST_TEST(aborts_with("written to", [count] {
      OwnSlabs slabs;
      Objects objects = slabs.take(7, capacity_of(7));
      std::ranges::sort(objects);
      ObjectRun run = run_of(objects, 0, count, 7);
      slabs->put(&run, &run + 1, [](unsigned, std::size_t) {});
    }));
}

BOOST_AUTO_TEST_CASE(slabs_that_disagree_with_what_is_counted_are_not_valid) {
  const auto is_refused_after = [](auto corrupt) {
    OwnSlabs slabs;
    BOOST_REQUIRE(slabs->reserve(7, 1));
    const Objects objects = slabs.take(31, capacity_of(31) + 1);
    const bool was_valid = slabs->is_valid();
    corrupt(*slabs.operator->(), objects);
    return was_valid && !slabs->is_valid();
  };
  BOOST_TEST(is_refused_after([](HomeSlabs&, const Objects& objects) {  // home, in no list
    Slab& full = Region::slab_of(*std::ranges::min_element(objects));
    void* object = full.objects;
    full.put(&object, &object + 1);
  }));
  BOOST_TEST(is_refused_after([](HomeSlabs& slabs, const Objects&) { slabs.source().carve(31); }));
  BOOST_TEST(is_refused_after([](HomeSlabs&, const Objects& objects) {
    ++Region::slab_of(*std::ranges::max_element(objects)).free;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
