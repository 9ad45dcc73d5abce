// What is posted to a heap comes home by its owner's slow calls, or, when it makes none, by those who post.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Control.hpp>
#include <span>
#include <thread>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(attendance)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 7;         // 64 bytes, of which 64 fill a chain
constexpr std::size_t kPatience = 16;  // chains

/// Has the owner make a slow call.
void call_slowly(ThreadHeap& heap) { push_all(heap, pop_many(heap, 40, in_bin(heap, 40) + 1), 40); }

}  // namespace

BOOST_AUTO_TEST_CASE(an_owner_at_work_is_left_to_it) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 64 * kPatience * 20);
  for (std::size_t i = 0; i != 20; ++i) {
    call_slowly(*heap);
    settle(*heap);
    const std::size_t away = census_of(*heap).away();
    post_all(*heap, std::span(objects).subspan(i * 64 * (kPatience - 1), 64 * (kPatience - 1)), kClass);
    BOOST_TEST(census_of(*heap).away() == away);
  }
}

BOOST_AUTO_TEST_CASE(what_is_posted_to_a_sleeping_owner_comes_home) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 64 * kPatience * 10 + 5);
  post_all(*heap, objects, kClass);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(the_next_slow_call_of_the_owner_ends_the_help) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 64 * kPatience * 3);
  post_all(*heap, std::span(objects).first(64 * kPatience * 2 + 64), kClass);
  BOOST_TEST(census_of(*heap).away() < 64 * kPatience);
  call_slowly(*heap);
  settle(*heap);
  const std::size_t away = census_of(*heap).away();
  post_all(*heap, std::span(objects).last(64), kClass);
  BOOST_TEST(census_of(*heap).away() == away);
}

BOOST_AUTO_TEST_CASE(what_is_posted_to_a_parked_heap_comes_home_at_once) {
  OwnHeap heap;
  for (const unsigned c : {0u, kClass, 60u, 87u}) {
    const Objects objects = pop_many(*heap, c, 100);
    heap->disown();
    for (void* object : objects) post_all(*heap, {&object, 1}, c);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
    BOOST_TEST(heap->try_own());
  }
  const Objects objects = pop_many(*heap, kClass, 1);
  post_all(*heap, objects, kClass);
  BOOST_TEST(census_of(*heap).away() == 1u);  // owned again
}

BOOST_AUTO_TEST_CASE(chains_that_had_to_make_room_for_others_bring_help_once_in_sixteen) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 4 * kPatience);
  heap->disown();
  std::size_t helps = 0;
  for (void* object : objects) {
    Chain chain;
    chain.add(ObjectRun(object, kClass), 1, kClass);
    chain.close([&](Carrier* first, Carrier* last) {
      heap->post_remote(first, last);
      helps += !heap->note_post(true);
    });
  }
  BOOST_TEST(helps == 4u);
  BOOST_TEST(heap->try_own());
  settle(*heap);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_comes_home_to_a_sleeping_owner_beyond_its_limit_goes_back) {
  const WithRetentionLimit some(std::size_t{2} << 20);
  OwnHeap heap;
  Random random;
  Objects objects = pop_many(*heap, kClass, 500'000);
  const std::size_t in_bin_before = in_bin(*heap, kClass);
  shuffle(objects, random);
  post_all(*heap, objects, kClass);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(in_bin(*heap, kClass) == in_bin_before);  // the owner's
  BOOST_TEST(heap->retained_bytes() <= std::size_t{2} << 20);
  BOOST_TEST(heap.pages().discarded_bytes() >= 500'000 * 64 - (std::size_t{3} << 20));
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_comes_home_to_parked_heaps_counts_against_one_limit_for_all) {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{4} << 20, std::size_t{12} << 20}) {
    const WithRetentionLimit some(limit);
    std::size_t retained = 0, claimed = 0;
    const FreshHeaps fresh;  // no other heap is parked
    std::vector<ThreadHeap*> heaps(3);
    for (ThreadHeap*& heap : heaps) heap = ThreadHeap::create(domain_info<>);
    for (ThreadHeap* heap : heaps) {
      Random random;
      Objects objects = pop_many(*heap, kClass, 150'000);
      shuffle(objects, random);
      heap->disown();
      post_all(*heap, objects, kClass);
      BOOST_TEST(census_of(*heap).slabs == 0u);
      BOOST_TEST(complaint_about(*heap) == "");
      retained += heap->retained_bytes();
    }
    BOOST_TEST(retained <= limit);
    BOOST_TEST(retained + 3 * kHugePageBytes >= limit);
    for (ThreadHeap* heap : heaps) BOOST_TEST(heap->try_own());
    claimed = parked_bytes.claim(limit, limit);  // all shares were given back
    parked_bytes.give_back(claimed);
    BOOST_TEST(claimed == limit);
  }
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_lowered_holds_for_parked_heaps_from_the_next_post_on) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, 200'000);
  const std::span all(objects);
  {
    const WithRetentionLimit some(std::size_t{64} << 20);
    heap->disown();
    post_all(*heap, all.first(all.size() - 64), kClass);
    BOOST_TEST(heap->retained_bytes() > std::size_t{10} << 20);
  }
  const WithRetentionLimit none(0);
  for (std::size_t posts = 0; posts != 64; ++posts)
    post_all(*heap, all.subspan(all.size() - 64 + posts, 1), kClass);
  BOOST_TEST(heap->retained_bytes() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
  BOOST_TEST(heap->try_own());
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_parked_keeps_no_more_than_it_may_wherever_its_last_slab_was_cut) {
  const WithRetentionLimit none(0);
  for (std::size_t slabs = 1; slabs != 100; ++slabs) {
    OwnHeap heap;
    pop_many(*heap, kClass, slabs * kSizeClassInfo[kClass].capacity);
    heap->disown();
    BOOST_TEST(heap->retained_bytes() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
    BOOST_TEST(heap->try_own());
  }
}

BOOST_AUTO_TEST_CASE(who_holds_keeps_what_comes_home_to_sleeping_owners_and_parked_heaps) {
  const WithRetentionLimit hold(flux::kHold);
  for (const bool is_parked : {false, true}) {
    OwnHeap heap;
    const Objects objects = pop_many(*heap, kClass, 500'000);
    if (is_parked) heap->disown();
    post_all(*heap, objects, kClass);
    BOOST_TEST(heap.pages().discards() == 0u);
    BOOST_TEST(heap->retained_bytes() >= 500'000 * 64 - 2 * kUnitBytes);
    if (is_parked) BOOST_TEST(heap->try_own());
  }
}

BOOST_AUTO_TEST_CASE(what_threads_free_at_once_of_a_parked_heap_all_comes_home) {
  constexpr std::size_t kThreads = 4;
  OwnHeap heap;
  for (int round = 0; round != 20; ++round) {
    Random random;
    Objects objects = pop_many(*heap, kClass, kThreads * scaled(20'000));
    shuffle(objects, random);
    heap->disown();
    run_threads(kThreads, [&](std::size_t index) {
      const std::size_t share = objects.size() / kThreads;
      post_all(*heap, std::span(objects).subspan(index * share, share), kClass);
    });
    BOOST_TEST(heap->try_own());
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(an_owner_that_wakes_and_falls_asleep_while_others_free_loses_nothing) {
  constexpr std::size_t kThreads = 3;
  OwnHeap heap;
  std::vector<Objects> freed(kThreads);
  std::atomic<std::size_t> left{0};
  for (int round = 0; round != 20; ++round) {
    for (Objects& objects : freed) objects = pop_many(*heap, kClass, scaled(10'000));
    left = kThreads;
    run_threads(kThreads + 1, [&](std::size_t index) {
      if (index != kThreads) {
        post_all(*heap, freed[index], kClass);
        --left;
        return;
      }
      for (std::size_t nap = 1; left != 0; ++nap) {
        push_all(*heap, pop_many(*heap, kClass, 700), kClass);
        if (nap % 8 == 0) std::this_thread::yield();
      }
    });
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
