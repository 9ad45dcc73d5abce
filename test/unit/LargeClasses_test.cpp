// The size classes beyond 32 KiB: what holds for thread heaps and small ones holds for these, and bins keep next to
// nothing.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Control.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <span>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(large_classes)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSlabBytes = 2 * kMiB;

template <class Work>
void for_each_large_class(Work work) {
  for (unsigned c = kSmallClasses; c != kSizeClasses; ++c) work(c);
}

std::size_t capacity_of(unsigned size_class) { return kSizeClassInfo[size_class].capacity; }

ThreadHeap& my_heap() { return *local_heap<>.heap(); }

/// Reads and writes objects from end to end: their pages are there, and nobody else's.
bool keep_their_content(const Objects& objects, unsigned size_class) {
  const std::size_t stride = stride_of(size_class);
  for (void* object : objects) write_mark(object, stride, reinterpret_cast<std::uintptr_t>(object));
  return std::ranges::all_of(objects, [stride](void* object) {
    return has_mark(object, stride, reinterpret_cast<std::uintptr_t>(object));
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(their_slabs_are_of_2_MiB_and_objects_fill_them) {
  OwnHeap heap;
  for_each_large_class([&](unsigned c) {
    const Objects objects = pop_many(*heap, c, 2 * capacity_of(c));
    BOOST_TEST(kSizeClassInfo[c].units * kUnitBytes <= kSlabBytes);
    BOOST_TEST(census_of(*heap, c).slabs == 2u, "class " << c);
    BOOST_TEST(are_distinct(objects));
    BOOST_TEST(are_marked(objects, c));
    BOOST_TEST(std::ranges::all_of(objects, [&](void* object) { return is_object_of(*heap, object, c); }));
    BOOST_TEST(census_of(*heap, c).away() == objects.size());
  });
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(objects_keep_their_content_to_the_last_byte) {
  OwnHeap heap;
  for_each_large_class([&](unsigned c) {
    const Objects objects = pop_many(*heap, c, 5);
    BOOST_TEST(keep_their_content(objects, c), "class " << c);
    push_all(*heap, objects, c);
  });
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(fresh_objects_come_in_address_order) {
  for_each_large_class([](unsigned c) {
    OwnHeap heap;
    BOOST_TEST(std::ranges::is_sorted(pop_many(*heap, c, 3 * capacity_of(c))), "class " << c);
  });
}

BOOST_AUTO_TEST_CASE(a_bin_never_holds_more_than_2) {
  Random random;
  for_each_large_class([&](unsigned c) {
    OwnHeap heap;
    Objects live;
    for (std::size_t i = 0; i != 200; ++i) {
      if (live.empty() || random.below(2) == 0) {
        append(live, pop_many(*heap, c, 1));
      } else {
        std::swap(live[random.below(live.size())], live.back());
        push_all(*heap, std::span(live).last(1), c);
        live.pop_back();
      }
      BOOST_REQUIRE(in_bin(*heap, c) <= 2u);
      BOOST_REQUIRE(census_of(*heap, c).away() == live.size());
    }
    BOOST_TEST(are_marked(live, c));
    BOOST_TEST(complaint_about(*heap) == "");
  });
}

BOOST_AUTO_TEST_CASE(what_is_given_back_scattered_leaves_no_slabs_but_the_bins) {
  Random random;
  for_each_large_class([&](unsigned c) {
    OwnHeap heap;
    Objects objects = pop_many(*heap, c, 6 * capacity_of(c));
    shuffle(objects, random);
    push_all(*heap, objects, c);
    const Census census = census_of(*heap, c);
    BOOST_TEST(census.away() == 0u);
    BOOST_TEST(census.slabs <= census.in_bins, "class " << c);
    BOOST_TEST(complaint_about(*heap) == "");
  });
}

BOOST_AUTO_TEST_CASE(after_any_pops_and_pushes_of_classes_of_all_sizes_nothing_is_lost) {
  Random random;
  OwnHeap heap;
  std::vector<Objects> live(kSizeClasses);
  for (std::size_t i = 0; i != scaled(3000); ++i) {
    // Every second one small: they share blocks and regions.
    const auto c = static_cast<unsigned>(random.below(2) == 0
                                             ? random.below(kSmallClasses)
                                             : kSmallClasses + random.below(kSizeClasses - kSmallClasses));
    const std::size_t count = random.below(c < kSmallClasses ? 100 : 8);
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
    if (i % 100 == 0) BOOST_REQUIRE(complaint_about(*heap) == "");
  }
  for (unsigned c = 0; c != kSizeClasses; ++c) push_all(*heap, live[c], c);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(a_sweep_brings_home_what_lies_in_bins_of_classes_out_of_use) {
  const WithRetentionLimit hold(flux::kHold);
  OwnHeap heap;
  for_each_large_class([&](unsigned c) {
    push_all(*heap, pop_many(*heap, c, 2), c);
    BOOST_TEST(in_bin(*heap, c) != 0u);
  });
  for (int i = 0; i != 20; ++i) push_all(*heap, pop_many(*heap, 9, 20'000), 9);
  for_each_large_class([&](unsigned c) { BOOST_TEST(census_of(*heap, c).slabs == 0u, "class " << c); });
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(objects_come_home_from_another_thread_each_in_a_chain_of_its_own_from_64_KiB_on) {
  OwnHeap heap;
  for_each_large_class([&](unsigned c) {
    const std::uint64_t before = heap->chains_posted();
    const Objects objects = pop_many(*heap, c, 5);
    post_all(*heap, objects, c);
    const std::size_t chains = stride_of(c) >= 64 << 10 ? 5 : 3;  // two fill one, below
    BOOST_TEST(heap->chains_posted() - before == chains, "class " << c);
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(heap->collected(c) == 5u);
    BOOST_TEST(complaint_about(*heap) == "");
  });
  BOOST_TEST(heap->chains_collected() == heap->chains_posted());
}

BOOST_AUTO_TEST_CASE(who_posts_to_a_sleeping_owner_brings_large_objects_home_as_well) {
  FreshHeaps fresh;
  run_thread([] {
    constexpr unsigned kClass = kSizeClasses - 1;
    const Objects objects = allocate_many(kClass, 60);
    run_thread([&] { deallocate_all(objects, kClass); });
    BOOST_TEST(census_of(my_heap(), kClass).slabs < 20u);  // while this thread did nothing
    flux::trim();
    BOOST_TEST(census_of(my_heap()).away() == 0u);
    BOOST_TEST(complaint_about(my_heap()) == "");
  });
}

BOOST_AUTO_TEST_CASE(trim_gives_back_the_memory_of_every_class) {
  FreshHeaps fresh;
  run_thread([&] {
    for_each_large_class([&](unsigned c) {
      const Objects objects = allocate_many(c, 3 * capacity_of(c));
      const Objects kept(objects.begin(), objects.begin() + 1);
      deallocate_all(std::span(objects).subspan(1), c);
      const std::size_t discarded = fresh.pages().discarded_bytes();
      const std::size_t retained = my_heap().retained_bytes();
      BOOST_TEST(flux::trim() >= retained, "class " << c);
      BOOST_TEST(fresh.pages().discarded_bytes() - discarded >= retained);
      BOOST_TEST(my_heap().retained_bytes() == 0u);
      BOOST_TEST(census_of(my_heap(), c).slabs == 1u);
      BOOST_TEST(are_marked(kept, c));
      deallocate_all(kept, c);
      BOOST_TEST(complaint_about(my_heap()) == "");
    });
  });
  BOOST_TEST(fresh.pages().complaint() == "");
}

BOOST_AUTO_TEST_CASE(no_more_is_retained_than_the_limit_and_a_slab_or_two) {
  const WithRetentionLimit limit(8 * kMiB);
  Random random;
  for_each_large_class([&](unsigned c) {
    OwnHeap heap;
    for (int round = 0; round != 3; ++round) {
      Objects objects = pop_many(*heap, c, 64 * kMiB / stride_of(c));
      if (round != 0) shuffle(objects, random);
      push_all(*heap, objects, c);
      BOOST_TEST(heap->retained_bytes() <= 8 * kMiB + 2 * kSlabBytes, "class " << c);
    }
    BOOST_TEST(heap.pages().discarded_bytes() >= 100 * kMiB, "class " << c);
    BOOST_TEST(complaint_about(*heap) == "");
  });
}

BOOST_AUTO_TEST_CASE(objects_outlive_their_thread_and_their_heap_is_adopted) {
  FreshHeaps fresh;
  std::vector<Objects> objects(kSizeClasses);
  run_thread(
      [&] { for_each_large_class([&](unsigned c) { objects[c] = allocate_many(c, capacity_of(c) + 1); }); });
  ThreadHeap* const owner = ThreadHeap::owner_of(objects.back().front());
  run_thread([&] {
    for_each_large_class([&](unsigned c) {
      const Objects more = allocate_many(c, 3);
      BOOST_TEST(are_distinct(joined(objects[c], more)));
      BOOST_TEST(are_marked(objects[c], c));
      deallocate_all(objects[c], c);
      deallocate_all(more, c);
    });
    BOOST_TEST(local_heap<>.heap() == owner);
  });
  for (ThreadHeap* heap : fresh.parked()) {
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(what_is_reserved_is_there_when_memory_is_out) {
  for_each_large_class([](unsigned c) {
    OwnHeap heap;
    const std::size_t count = 2 * capacity_of(c) + 1;
    BOOST_TEST(heap->reserve(c, count));
    heap.pages().fail_from(1);
    const Objects objects = pop_many(*heap, c, count);
    BOOST_TEST(objects.size() == count, "class " << c);
    BOOST_TEST(heap.pages().calls() == 0u);
    push_all(*heap, objects, c);
    heap.pages().fail_never();
    BOOST_TEST(complaint_about(*heap) == "");
  });
}

BOOST_AUTO_TEST_CASE(when_memory_is_out_what_lies_in_other_classes_bins_serves) {
  OwnHeap heap(kSingleRegions);
  push_all(*heap, pop_many(*heap, kSizeClasses - 1, 2), kSizeClasses - 1);
  std::size_t region_full = 0;
  heap.pages().fail_from(1);
  while (heap->pop(kSizeClasses - 3) != nullptr) ++region_full;
  BOOST_TEST(region_full >= 2u);  // of the slab whose objects were in the bin
  BOOST_TEST(census_of(*heap, kSizeClasses - 1).slabs == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_SUITE_END()
