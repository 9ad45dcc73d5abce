// Objects of a thread heap that other threads free: all come home, a bounded number at a time.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <mutex>
#include <span>
#include <thread>

#include "support/Death.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(thread_heap_remote)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kMostCollected = 512 + Carrier::kMostCarried;  // runs

// Sends objects home by two threads, of each slab some with either. When the second one comes some of the first's wait.
void send_in_two_parts(ThreadHeap& heap, const Objects& objects, unsigned size_class) {
  Objects first, second;
  for (std::size_t i = 0; i != objects.size(); ++i) (i % 2 == 0 ? first : second).push_back(objects[i]);
  post_all(heap, first, size_class);
  const std::size_t collected = collect_once(heap);
  BOOST_REQUIRE((0 < collected && collected < first.size()));
  post_all(heap, second, size_class);
  BOOST_REQUIRE(census_of(heap, size_class).away() == objects.size() - collected);
}

// Objects on their way from the owner to the threads that free them.
class Belt {
 public:
  void put(const Objects& objects) {
    const std::lock_guard lock(mutex_);
    append(objects_, objects);
  }
  Objects take(std::size_t most) {
    const std::lock_guard lock(mutex_);
    const std::size_t left = objects_.size() - std::min(most, objects_.size());
    const Objects taken(objects_.begin() + static_cast<std::ptrdiff_t>(left), objects_.end());
    objects_.resize(left);
    return taken;
  }

 private:
  std::mutex mutex_;
  Objects objects_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(objects_of_every_class_come_home_from_another_thread) {
  OwnHeap heap;
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    const Objects objects = pop_many(*heap, c, 24);  // too few for others to help with
    post_all(*heap, objects, c);
    BOOST_TEST(census_of(*heap, c).away() == 24u);
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(any_number_of_objects_comes_home) {
  OwnHeap heap;
  for (std::size_t count = 1; count <= 200; ++count) {
    post_all(*heap, pop_many(*heap, 4, count), 4);
    settle(*heap);
    BOOST_REQUIRE(census_of(*heap).away() == 0u);
  }
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_came_home_is_handed_out_again_before_anything_new) {
  OwnHeap heap;
  const std::size_t count = 10 * kSizeClassInfo[2].capacity;
  Objects objects = pop_many(*heap, 2, count);
  const std::size_t slabs = census_of(*heap, 2).slabs;
  for (int round = 0; round != 5; ++round) {
    const std::size_t kept = objects.size() / 2;
    post_all(*heap, std::span(objects).subspan(kept), 2);
    objects.resize(kept);
    append(objects, pop_many(*heap, 2, count - kept));
    BOOST_TEST(are_distinct(objects));
    BOOST_TEST(are_marked(objects, 2));
    BOOST_TEST(census_of(*heap, 2).slabs <= slabs + 1);
  }
}

BOOST_AUTO_TEST_CASE(a_refill_is_content_with_a_single_object_that_came_home) {
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    OwnHeap heap;
    const Objects objects = pop_many(*heap, c, kSizeClassInfo[c].capacity);
    post_all(*heap, std::span(objects).first(1), c);
    BOOST_TEST(heap->pop(c) == objects.front());
    BOOST_TEST(census_of(*heap, c).slabs == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_refill_collects_a_bounded_number_and_later_ones_the_rest) {
  for (const unsigned c : {0u, 1u, 2u, 7u, 31u, 60u}) {
    OwnHeap heap;
    BOOST_REQUIRE(heap->reserve(70, 1));  // nobody helps
    constexpr std::size_t kPosted = 5000;
    const Objects popped = pop_many(*heap, c, 2 * kPosted);
    Objects alone;  // a live object beside each
    for (std::size_t i = 0; i != popped.size(); i += 2) alone.push_back(popped[i]);
    post_all(*heap, alone, c);
    std::size_t refills = 0;
    for (std::size_t left = kPosted; left != 0; left = census_of(*heap, c).away() - kPosted) {
      const std::size_t collected = collect_once(*heap, c);
      BOOST_REQUIRE(collected > 0u);
      BOOST_REQUIRE(collected <= kMostCollected);
      BOOST_REQUIRE(++refills <= kPosted / 512 + 1);
    }
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(what_was_freed_in_the_order_of_its_addresses_comes_home_by_whole_chains) {
  if (kIsNarrow) return;  // each object is a run there
  for (const unsigned c : {0u, 1u, 2u, 7u, 31u})
    for (const bool is_upwards : {true, false}) {
      OwnHeap heap;
      BOOST_REQUIRE(heap->reserve(70, 1));            // nobody helps
      Objects objects = pop_many(*heap, c, 79 * 64);  // chains
      std::ranges::sort(objects);
      if (!is_upwards) std::ranges::reverse(objects);
      post_all(*heap, objects, c);
      BOOST_TEST(census_of(*heap, c).away() == objects.size());
      BOOST_TEST(collect_once(*heap, c) >=
                 63 * 64u);  // where a slab ends, so does a run, and that chain may have fewer
      BOOST_TEST(heap->chains_collected() == 64u);
      collect_once(*heap, c);
      BOOST_TEST(census_of(*heap, c).away() == 0u);
      BOOST_TEST(complaint_about(*heap) == "");
    }
}

BOOST_AUTO_TEST_CASE(an_object_that_another_thread_freed_as_one_of_another_size_ends_the_program) {
  if (kIsNarrow || FLUX_CHECKED) return;  // no place to tell the size; told at the free
  for (const unsigned wrong : {0u, 6u, 8u, 60u})
    BOOST_TEST(aborts_with("another size", [wrong] {
      OwnHeap heap;
      post_all(*heap, pop_many(*heap, 7, 1), wrong);
      collect_once(*heap);
    }));
}

BOOST_AUTO_TEST_CASE(a_refill_of_any_class_collects_the_objects_of_all) {
  OwnHeap heap;
  const Objects small = pop_many(*heap, 0, 20), large = pop_many(*heap, 87, 20);
  post_all(*heap, small, 0);
  post_all(*heap, large, 87);
  BOOST_TEST(collect_once(*heap, 33) == 40u);
  BOOST_TEST(census_of(*heap).away() == 0u);
}

BOOST_AUTO_TEST_CASE(what_arrives_while_some_still_waits_comes_home_too) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, 5, 6000);
  post_all(*heap, std::span(objects).first(3000), 5);
  collect_once(*heap);
  post_all(*heap, std::span(objects).subspan(3000), 5);
  settle(*heap);
  BOOST_TEST(census_of(*heap).away() == 0u);
}

BOOST_AUTO_TEST_CASE(what_waits_and_what_came_since_both_come_home_before_memory_goes_back) {
  OwnHeap heap;
  send_in_two_parts(*heap, pop_many(*heap, 5, 1600), 5);
  heap->trim(true);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(census_of(*heap).slabs == 0u);
}

BOOST_AUTO_TEST_CASE(what_waits_and_what_came_since_serve_other_classes_when_memory_is_out) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, 31, 2800);  // more wait than the refill itself collects
  pop_many(*heap, 40, 1);                             // keeps a slab for collect_once
  heap.pages().fail_from(1);
  for (const unsigned c : {kSmallClasses - 1, 20u}) pop_many(*heap, c, SIZE_MAX);
  send_in_two_parts(*heap, objects, 31);
  BOOST_TEST(heap->pop(20) != nullptr);
}

BOOST_AUTO_TEST_CASE(slabs_that_others_emptied_serve_other_classes) {
  OwnHeap heap;
  std::size_t after_first = 0;
  for (unsigned c = 24; c != kSmallClasses; ++c) {
    post_all(*heap, pop_many(*heap, c, (std::size_t{8} << 20) / stride_of(c)), c);
    settle(*heap);
    if (c == 24) after_first = heap.pages().committed_bytes();
  }
  BOOST_TEST(heap.pages().committed_bytes() < after_first + (std::size_t{48} << 20));
}

BOOST_AUTO_TEST_CASE(threads_that_free_while_the_owner_pops_and_pushes_lose_nothing) {
  constexpr std::size_t kFreeing = 3;
  const std::size_t rounds = scaled(3000);
  OwnHeap heap;
  Belt belt;
  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> damaged{0};
  run_threads(kFreeing + 1, [&](std::size_t index) {
    Random random(index);
    if (index == 0) {
      for (std::size_t round = 0; round != rounds; ++round) {
        Objects objects = pop_many(*heap, 3, 50 + random.below(100));
        shuffle(objects, random);
        const std::size_t own = objects.size() / 4;
        push_all(*heap, std::span(objects).first(own), 3);
        belt.put({objects.begin() + static_cast<std::ptrdiff_t>(own), objects.end()});
      }
      is_over = true;
      return;
    }
    OtherThread thread;
    for (bool is_last = false; !is_last;) {
      is_last = is_over;
      Objects objects;
      while (!(objects = belt.take(100)).empty())
        for (void* object : objects) {
          damaged += !is_marked(object, 3);
          thread.free(*heap, object, 3);
        }
      std::this_thread::yield();
    }
    thread.flush();
  });
  settle(*heap);
  BOOST_TEST(damaged == 0u);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_SUITE_END()
