// What a thread frees of other heaps gathers in runs while it lies together, and goes home whatever comes between.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/OpenRun.hpp>
#include <utility>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Order.hpp"

BOOST_AUTO_TEST_SUITE(open_run)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 7;  // 64 bytes

// Addresses of objects; nothing lies there.
std::byte* at(std::size_t index, unsigned size_class) {
  return reinterpret_cast<std::byte*>((std::uintptr_t{1} << 46) + index * stride_of(size_class));
}

std::size_t full_count(unsigned size_class) {
  const std::size_t stride = stride_of(size_class);
  return std::min<std::size_t>(64, ((std::size_t{64} << 10) + stride - 1) / stride);
}

bool is(ObjectRun run, std::size_t first, std::size_t count, unsigned size_class) {
  return run.first() == at(first, size_class) && run.count() == count && run.size_class() == size_class;
}

Objects sorted(ThreadHeap& heap, unsigned size_class, std::size_t count) {
  Objects objects = pop_many(heap, size_class, count);
  std::ranges::sort(objects);
  return objects;
}

void expect_all_home(ThreadHeap& heap) {
  settle(heap);
  BOOST_TEST(census_of(heap).away() == 0u);
  BOOST_TEST(complaint_about(heap) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(nothing_joins_where_there_is_no_run) {
  OpenRun run{};
  BOOST_TEST(run.is_none());
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    BOOST_TEST(!run.add_above(at(0, c), c));
    BOOST_TEST((run.add(at(0, c), c) == OpenRun::Added::kNot));
    BOOST_TEST((!run.add_above(nullptr, c) && run.add(nullptr, c) == OpenRun::Added::kNot));
  }
  BOOST_TEST(run.get_remote().is_none());
  BOOST_TEST(run.is_valid());
}

BOOST_AUTO_TEST_CASE(a_run_is_joined_at_both_ends_by_objects_of_its_class_until_it_is_full) {
  if (kIsNarrow) return;  // there are none
  Random random;
  for (unsigned c = 0; full_count(c) != 1; ++c) {
    OpenRun run{};
    run.open(nullptr, ObjectRun(at(100, c), c));
    std::size_t first = 100, end = 101;
    BOOST_TEST(is(run.get_remote(), 100, 1, c));
    BOOST_TEST(run.is_valid());
    for (OpenRun::Added last = OpenRun::Added::kNot; !run.is_full(c);) {
      for (const std::size_t apart : {first - 2, first, end - 1, end + 1})
        BOOST_REQUIRE((run.add(at(apart, c), c) == OpenRun::Added::kNot && !run.add_above(at(apart, c), c)));
      for (const unsigned other : {0u, c - 1, c + 1})
        if (other != c && other < kSizeClasses) BOOST_REQUIRE(!run.add_above(at(end, c), other));
      const bool is_last = end - first + 1 == full_count(c);
      if (random.below(2) == 0) {
        BOOST_REQUIRE(!run.add_above(at(first - 1, c), c));
        last = run.add(at(--first, c), c);
        BOOST_REQUIRE((last == OpenRun::Added::kBelow));
      } else if (random.below(2) == 0 && !is_last) {
        BOOST_REQUIRE(run.add_above(at(end++, c), c));
      } else {
        if (is_last) BOOST_REQUIRE(!run.add_above(at(end, c), c));
        last = run.add(at(end++, c), c);
        BOOST_REQUIRE((last == OpenRun::Added::kAbove));
      }
      BOOST_REQUIRE(is(run.get_remote(), first, end - first, c));
      BOOST_REQUIRE(run.is_valid() == !run.is_full(c));
      if (!run.is_full(c)) continue;
      BOOST_TEST(end - first == full_count(c));
      BOOST_TEST(is(run.take_and_go_on(last), first, end - first, c));
      BOOST_TEST(run.get_remote().is_none());
      BOOST_TEST(!run.is_none());
      const bool is_up = last == OpenRun::Added::kAbove;
      BOOST_TEST((run.add(at(is_up ? end : first - 1, c), c) == last));
      BOOST_TEST(is(run.take(), is_up ? end : first - 1, 1, c));
      BOOST_TEST(run.is_none());
      break;
    }
  }
}

BOOST_AUTO_TEST_CASE(
    objects_freed_in_any_order_by_another_thread_go_home_and_are_counted_and_found_on_their_way) {
  Random random;
  for (const Order order : kOrders)
    for (const unsigned c : {0u, 1u, kClass, 20u, kSizeClasses - 1})
      for (const std::size_t count : {1u, 2u, 3u, 63u, 64u, 65u, 130u, 1000u}) {
        if (count * stride_of(c) > (8u << 20)) continue;
        OwnHeap heap;
        BOOST_REQUIRE(heap->reserve(70, 1));  // nobody helps
        Objects objects = sorted(*heap, c, count);
        arrange(objects, order, random);
        OtherThread thread;
        std::size_t freed = 0;
        for (void* object : objects) {
          thread.free(*heap, object, c);
          BOOST_REQUIRE(thread.freed(c) == ++freed);
        }
        Objects found;
        thread.for_each([&found](void* object) { found.push_back(object); });
        heap->for_each_free([&](void* object) {
          if (std::ranges::count(objects, object) != 0) found.push_back(object);
        });
        BOOST_TEST(is_same_set(found, objects));
        thread.flush();
        thread.for_each([](void*) { BOOST_TEST(false); });
        BOOST_TEST(thread.freed(c) == count);
        expect_all_home(*heap);
      }
}

BOOST_AUTO_TEST_CASE(what_is_freed_in_order_goes_home_in_posts_of_64_and_none_of_it_is_touched) {
  if (kIsNarrow) return;
  for (const bool is_upwards : {true, false}) {
    OwnHeap heap;
    Objects objects = sorted(*heap, kClass, 4 * 64);
    if (!is_upwards) std::ranges::reverse(objects);
    OtherThread thread;
    for (std::size_t i = 0; i != objects.size(); ++i) {
      thread.free(*heap, objects[i], kClass);
      BOOST_REQUIRE(heap->chains_posted() == (i + 1) / 64);
    }
    // The first was a carrier until the third came.
    BOOST_TEST(are_marked(std::span(objects).subspan(1), kClass));
    thread.flush();
    BOOST_TEST(heap->chains_posted() == 4u);
    expect_all_home(*heap);
  }
}

BOOST_AUTO_TEST_CASE(two_owners_whose_objects_come_in_turn_get_their_own_in_few_words) {
  Random random;
  for (const Order order : kOrders) {
    FailingPageSource pages{kSingleRegions};
    ThreadHeap& one = *ThreadHeap::create(domain_info<>);
    ThreadHeap& other = *ThreadHeap::create(domain_info<>);
    Objects of_one = sorted(one, kClass, 60), of_other = sorted(other, kClass, 60);
    arrange(of_one, order, random);
    arrange(of_other, order, random);
    OtherThread thread;
    for (std::size_t i = 0; i != of_one.size(); ++i) {
      thread.free(one, of_one[i], kClass);
      thread.free(other, of_other[i], kClass);
    }
    if (order == Order::kSame && !kIsNarrow) {
      const auto touched =
          std::ranges::count_if(of_one, [](void* object) { return !is_marked(object, kClass); });
      BOOST_TEST(touched == 1);  // a carrier
    }
    thread.flush();
    expect_all_home(one);
    expect_all_home(other);
  }
}

BOOST_AUTO_TEST_CASE(objects_of_many_owners_and_classes_in_random_runs_go_home) {
  Random random;
  FailingPageSource pages{kSingleRegions};
  std::vector<ThreadHeap*> heaps;
  for (int i = 0; i != 80; ++i) heaps.push_back(ThreadHeap::create(domain_info<>));
  struct Freed {
    ThreadHeap* heap;
    void* object;
    unsigned size_class;
  };
  std::vector<std::vector<Freed>> pieces;
  for (ThreadHeap* heap : heaps)
    for (const unsigned c : {1u, kClass, 33u}) {
      const Objects objects = sorted(*heap, c, 200);
      for (std::size_t i = 0; i < objects.size();) {
        std::vector<Freed>& piece = pieces.emplace_back();
        for (std::size_t end = std::min(objects.size(), i + 1 + random.below(90)); i != end; ++i)
          piece.push_back({heap, objects[i], c});
        if (random.below(3) == 0) std::ranges::reverse(piece);
      }
    }
  std::ranges::shuffle(pieces, random);
  OtherThread thread;
  for (const auto& piece : pieces)
    for (const auto& [heap, object, c] : piece) thread.free(*heap, object, c);
  thread.flush();
  for (ThreadHeap* heap : heaps) expect_all_home(*heap);
}

BOOST_AUTO_TEST_SUITE_END()
