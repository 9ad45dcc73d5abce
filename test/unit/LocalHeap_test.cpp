// The heap of a thread, from its first operation until after its end.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <latch>
#include <new>
#include <span>
#include <thread>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(local_heap_of_a_thread)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 5;

bool has_no_heap() { return local_heap<>.heap() == nullptr && local_bins<> == &no_bins; }

/// The heap that a thread works with which frees all it allocates.
ThreadHeap* heap_of_a_thread() {
  ThreadHeap* heap = nullptr;
  run_thread([&] {
    deallocate_all(allocate_many(kClass, 10), kClass);
    heap = local_heap<>.heap();
  });
  return heap;
}

/// Objects of a thread that has ended.
Objects left_behind(std::size_t count, unsigned size_class = kClass) {
  Objects objects;
  run_thread([&] { objects = allocate_many(size_class, count); });
  return objects;
}

// A thread that has the heap that is parked, so that others make one of their own, until it ends.
class Keeper {
 public:
  Keeper() { has_heap_.wait(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() { end(); }

  void end() {
    if (!thread_.joinable()) return;
    is_over_.count_down();
    thread_.join();
  }

 private:
  std::latch has_heap_{1}, is_over_{1};
  std::thread thread_{[this] {
    deallocate(allocate(kClass), kClass);
    has_heap_.count_down();
    is_over_.wait();
  }};
};

// A thread-local object that uses the heap while it is destroyed, and counts those that still found one.
struct Holder {
  Objects objects;
  ~Holder() {
    if (objects.empty()) return;
    with_heap += has_no_heap() ? 0 : 1;
    deallocate_all(objects, kClass);
    deallocate_all(allocate_many(kClass, 10), kClass);
  }
  static inline std::atomic<int> with_heap{0};
};
thread_local Holder made_before_the_heap;
thread_local Holder made_after_the_heap;

/// Runs `life` on a thread and, after flux has ended it, `farewell`; whether it had by then.
template <class Life, class Farewell>
bool run_thread_to_its_end(Life life, Farewell farewell) {
  bool had_ended = false;
  run_thread([&] {
    at_thread_end([&] {
      had_ended = has_no_heap();
      farewell();
    });
    life();
  });
  return had_ended;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thread_has_no_heap_until_it_allocates) {
  FreshHeaps fresh;
  run_thread([&] {
    BOOST_TEST(has_no_heap());
    void* const object = allocate(kClass);
    BOOST_TEST(local_heap<>.heap() == ThreadHeap::owner_of(object));
    BOOST_TEST(local_bins<> == local_heap<>.heap()->bins());
    deallocate(object, kClass);
  });
  BOOST_TEST(fresh.parked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_heap_serves_every_class_and_loses_nothing) {
  FreshHeaps fresh;
  run_thread([&] {
    std::vector<Objects> live;
    for (unsigned c = 0; c != kSmallClasses; ++c) live.push_back(allocate_many(c, scaled(1000)));
    for (unsigned c = 0; c != kSmallClasses; ++c) {
      BOOST_TEST(are_distinct(live[c]));
      BOOST_TEST(are_marked(live[c], c));
      BOOST_TEST(census_of(*local_heap<>.heap(), c).away() == live[c].size());
      deallocate_all(live[c], c);
    }
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  });
}

BOOST_AUTO_TEST_CASE(the_heap_of_an_ended_thread_is_adopted_by_the_next) {
  FreshHeaps fresh;
  ThreadHeap* const heap = heap_of_a_thread();
  for (int i = 0; i != 10; ++i) BOOST_TEST(heap_of_a_thread() == heap);
  BOOST_TEST(fresh.pages().pieces() == 1u);
}

BOOST_AUTO_TEST_CASE(an_adopted_heap_comes_with_what_is_live_in_it) {
  FreshHeaps fresh;
  const Objects live = left_behind(1000);
  run_thread([&] {
    const Objects more = allocate_many(kClass, 1000);
    BOOST_TEST(are_distinct(joined(live, more)));
    BOOST_TEST(are_marked(live, kClass));
    deallocate_all(live, kClass);
    deallocate_all(more, kClass);
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  });
}

BOOST_AUTO_TEST_CASE(threads_that_live_at_once_have_different_heaps) {
  constexpr std::size_t kThreads = 8;
  FreshHeaps fresh;
  std::vector<void*> heaps(kThreads);
  std::barrier all_have_one(kThreads);
  run_threads(kThreads, [&](std::size_t index) {
    deallocate(allocate(kClass), kClass);
    heaps[index] = local_heap<>.heap();
    all_have_one.arrive_and_wait();
  });
  BOOST_TEST(are_distinct(heaps));
  BOOST_TEST(fresh.parked().size() == kThreads);
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_before_it_adopted_the_owner_is_home) {
  FreshHeaps fresh;
  const Objects objects = left_behind(20);
  run_thread([&] {
    deallocate_all(std::span(objects).first(10), kClass);
    deallocate(allocate(kClass), kClass);
    BOOST_TEST(local_heap<>.heap() == ThreadHeap::owner_of(objects.front()));
    settle(*local_heap<>.heap());
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 10u);
    deallocate_all(std::span(objects).last(10), kClass);
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(objects_that_another_thread_freed_come_back_to_their_owner) {
  FreshHeaps fresh;
  run_thread([] {
    Objects objects = allocate_many(kClass, 5000);
    ThreadHeap& heap = *local_heap<>.heap();
    const std::size_t slabs = census_of(heap).slabs;
    for (int round = 0; round != 5; ++round) {
      run_thread([&] { deallocate_all(objects, kClass); });
      objects = allocate_many(kClass, 5000);
      BOOST_TEST(are_distinct(objects));
      BOOST_TEST(
          std::ranges::all_of(objects, [&](void* object) { return is_object_of(heap, object, kClass); }));
      BOOST_TEST(census_of(heap).slabs <= slabs + 1);
    }
    deallocate_all(objects, kClass);
  });
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_sends_all_home) {
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    FreshHeaps fresh;
    const Objects objects = left_behind(100, c);
    run_thread([&] { deallocate_all(objects, c); });
    BOOST_REQUIRE(fresh.parked().size() == 1u);
    ThreadHeap& heap = *fresh.parked().front();
    settle(heap);
    BOOST_TEST(census_of(heap).away() == 0u);
    BOOST_TEST(complaint_about(heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_has_a_heap_after_some_dozen_objects_and_not_before) {
  FreshHeaps fresh;
  const Objects objects = left_behind(200);
  const std::span all(objects);
  run_thread([&] {
    for (void* object : all.first(24)) deallocate(object, kClass);
    BOOST_TEST(has_no_heap());
    for (void* object : all.subspan(24)) deallocate(object, kClass);
    BOOST_TEST(!has_no_heap());
  });
}

BOOST_AUTO_TEST_CASE(a_thread_may_free_first_and_allocate_later) {
  FreshHeaps fresh;
  const Objects objects = left_behind(10);
  run_thread([&] {
    deallocate_all(objects, kClass);
    deallocate_all(allocate_many(kClass, 10), kClass);
    BOOST_TEST(!has_no_heap());
  });
  BOOST_REQUIRE(fresh.parked().size() == 1u);
  settle(*fresh.parked().front());
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_that_frees_for_more_owners_than_its_outbox_has_places_sends_all_home) {
  constexpr std::size_t kOwners = 80;
  FreshHeaps fresh(kSingleRegions);
  std::vector<Objects> objects(kOwners);
  std::barrier all_have_one(kOwners);
  run_threads(kOwners, [&](std::size_t index) {
    objects[index] = allocate_many(kClass, 50);
    all_have_one.arrive_and_wait();
  });
  run_thread([&] {
    for (std::size_t i = 0; i != 50; ++i)
      for (const Objects& of_one : objects) deallocate(of_one[i], kClass);
  });
  BOOST_TEST(fresh.parked().size() == kOwners);
  for (ThreadHeap* heap : fresh.parked()) {
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(thread_local_objects_are_destroyed_while_their_thread_still_has_its_heap) {
  FreshHeaps fresh;
  Holder::with_heap = 0;
  for (int i = 0; i != 10; ++i)
    run_thread([] {
      made_before_the_heap.objects.reserve(100);
      made_before_the_heap.objects = allocate_many(kClass, 100);
      made_after_the_heap.objects = allocate_many(kClass, 100);
    });
  BOOST_TEST(Holder::with_heap == 20);
  BOOST_REQUIRE(fresh.parked().size() == 1u);
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_CASE(objects_freed_after_the_threads_end_go_home) {
  FreshHeaps fresh;
  const Objects others = left_behind(100);
  Objects own;
  BOOST_TEST(run_thread_to_its_end([&] { own = allocate_many(kClass, 1000); },
                                   [&] {
                                     BOOST_TEST(are_marked(own, kClass));
                                     deallocate_all(own, kClass);
                                     deallocate_all(others, kClass);
                                     BOOST_TEST(has_no_heap());
                                   }));
  ThreadHeap& heap = *fresh.parked().front();
  settle(heap);
  BOOST_TEST(census_of(heap).away() == 0u);
  BOOST_TEST(complaint_about(heap) == "");
}

BOOST_AUTO_TEST_CASE(objects_allocated_after_the_threads_end_are_as_good_as_any) {
  FreshHeaps fresh;
  Objects objects;
  const auto life = [] { deallocate_all(allocate_many(kClass, 10), kClass); };
  BOOST_TEST(run_thread_to_its_end(life, [&] {
    objects = allocate_many(kClass, 3000);
    BOOST_TEST(has_no_heap());
  }));
  BOOST_TEST(are_distinct(objects));
  run_thread([&] {
    const Objects more = allocate_many(kClass, 3000);
    BOOST_TEST(are_distinct(joined(objects, more)));
    BOOST_TEST(are_marked(objects, kClass));
    deallocate_all(objects, kClass);
    deallocate_all(more, kClass);
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
  });
  BOOST_TEST(fresh.parked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_thousand_threads_that_allocate_and_free_after_their_end_need_one_heap) {
  FreshHeaps fresh;
  std::size_t ended = 0;
  for (std::size_t i = 0; i != scaled(1000); ++i) {
    Objects own;
    ended += run_thread_to_its_end([&] { own = allocate_many(kClass, 100); },
                                   [&] {
                                     const Objects last = allocate_many(kClass, 20);
                                     deallocate_all(own, kClass);
                                     deallocate_all(last, kClass);
                                   });
  }
  BOOST_TEST(ended == scaled(1000));
  BOOST_TEST(fresh.pages().pieces() == 1u);
  BOOST_TEST(fresh.pages().committed_bytes() == kHugePageBytes);
  BOOST_REQUIRE(fresh.parked().size() == 1u);
  settle(*fresh.parked().front());
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_whose_first_allocation_comes_at_its_end_parks_its_heap) {
  FreshHeaps fresh;
  for (int i = 0; i != 10; ++i) {
    run_thread([] { at_thread_end([] { deallocate_all(allocate_many(kClass, 10), kClass); }); });
    BOOST_TEST(fresh.parked().size() == 1u);
  }
}

BOOST_AUTO_TEST_CASE(a_thread_whose_first_operation_comes_after_all_thread_locals_parks_its_heap_too) {
  FreshHeaps fresh;
  for (int i = 0; i != 10; ++i) {
    const auto last = [] { deallocate_all(allocate_many(kClass, 10), kClass); };
    run_thread([&] { at_thread_end_after_thread_locals(last); });
    BOOST_TEST(fresh.parked().size() == 1u);
  }
  BOOST_TEST(fresh.pages().pieces() == 1u);
}

BOOST_AUTO_TEST_CASE(objects_freed_after_all_thread_locals_go_home) {
  FreshHeaps fresh;
  const Objects objects = left_behind(100);
  run_thread([&] { at_thread_end_after_thread_locals([&] { deallocate_all(objects, kClass); }); });
  settle(*fresh.parked().front());
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_CASE(out_of_memory_after_the_threads_end_is_bad_alloc_and_leaves_nothing_behind) {
  FreshHeaps fresh;
  std::size_t refused = 0;
  ThreadHeap* only = nullptr;
  const auto life = [] { deallocate_all(allocate_many(kClass, 1), kClass); };
  BOOST_TEST(run_thread_to_its_end(life, [&] {
    only = parked_heaps<>.adopt();  // so that another has to be made
    fresh.pages().fail_from(1);
    try {
      allocate(kClass);
    } catch (const std::bad_alloc&) {
      ++refused;
    }
    fresh.pages().fail_never();
    deallocate(allocate(kClass), kClass);
    parked_heaps<>.park(only);
  }));
  BOOST_TEST(refused == 1u);
  BOOST_TEST(fresh.pages().pieces() == 2u);
  BOOST_TEST(fresh.parked().size() == 2u);
}

BOOST_AUTO_TEST_CASE(while_memory_is_out_each_parked_heap_is_asked) {
  FreshHeaps fresh;
  constexpr std::size_t kHeaps = 4;
  std::barrier all_have_one(kHeaps);
  run_threads(kHeaps, [&](std::size_t) {
    deallocate(allocate(kClass), kClass);
    all_have_one.arrive_and_wait();
  });
  std::size_t parked = 0, with_memory = 0;
  run_thread([&] {
    fresh.pages().fail_from(1);
    BOOST_CHECK_THROW(for (;;) static_cast<void>(allocate(kClass)), std::bad_alloc);
    const std::vector<ThreadHeap*> heaps = adopt_all();
    parked = heaps.size();
    for (ThreadHeap* heap : heaps) with_memory += heap->pop(kClass) != nullptr;
    park_all(heaps);
    fresh.pages().fail_never();
  });
  BOOST_TEST(parked == kHeaps - 1);
  BOOST_TEST(with_memory == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_seldom_asks_for_memory_that_is_out_and_leaves_errno) {
  FreshHeaps fresh;
  Objects objects;
  std::barrier made(2), freed(2);
  std::thread owner([&] {
    objects = allocate_many(kClass, 10'000);
    made.arrive_and_wait();
    freed.arrive_and_wait();
  });
  made.arrive_and_wait();
  fresh.pages().fail_from(1);
  int error = 0;
  run_thread([&] {
    errno = 0;
    deallocate_all(objects, kClass);
    error = errno;
  });
  BOOST_TEST(error == 0);
  BOOST_TEST(fresh.pages().calls() > 0u);
  BOOST_TEST(fresh.pages().calls() < objects.size() / 10);
  fresh.pages().fail_never();
  freed.arrive_and_wait();
  owner.join();
}

BOOST_AUTO_TEST_CASE(a_thread_that_reserved_does_not_help_until_it_has_ended) {
  FreshHeaps fresh;
  const Objects objects = left_behind(10);
  ThreadHeap* const parked = ThreadHeap::owner_of(objects.front());
  bool had_help = false, has_help = false;
  Keeper keeper;
  const bool had_ended = run_thread_to_its_end(
      [&] {
        local_heap<>.reserve(kClass, 10, find_bins<void>());
        keeper.end();
        deallocate(objects[0], kClass);
        local_thread.flush();
        had_help = parked->chains_collected() != 0;
      },
      [&] {
        deallocate(objects[1], kClass);
        has_help = parked->chains_collected() != 0;
        deallocate_all(std::span(objects).subspan(2), kClass);
      });
  BOOST_TEST(had_ended);
  BOOST_TEST(!had_help);
  BOOST_TEST(has_help);
}

BOOST_AUTO_TEST_CASE(objects_beside_each_other_that_a_thread_freed_last_go_home_when_it_ends) {
  FreshHeaps fresh;
  const Objects objects = left_behind(10);
  ThreadHeap* const other = ThreadHeap::owner_of(objects.front());
  const Keeper keeper;
  const auto posted = [other] { return other->chains_posted(); };
  BOOST_TEST(run_thread_to_its_end(
      [&] {
        deallocate(allocate(kClass), kClass);
        deallocate_all(objects, kClass);
        BOOST_TEST(posted() == 0u);
      },
      [&] { BOOST_TEST(posted() == 1u); }));
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_of_others_goes_home_when_its_own_heap_was_lost) {
  FreshHeaps fresh;
  const Objects objects = left_behind(10);
  ThreadHeap* const other = ThreadHeap::owner_of(objects.front());
  const Keeper keeper;
  run_thread([&] {
    deallocate(allocate(kClass), kClass);
    deallocate_all(objects, kClass);
    ThreadHeap* const own = local_heap<>.heap();
    BOOST_TEST(own->bins()->open_run.is_none() == kIsNarrow);
    run_thread([own] { BOOST_TEST(own->lock_slabs(false)); });
    own->lose_if_locked();
    own->unlock_slabs();
    deallocate(allocate(kClass + 1), kClass + 1);
    BOOST_TEST(own->bins()->open_run.is_none());
    BOOST_TEST(other->chains_posted() == 1u);
    BOOST_TEST((local_heap<>.heap() != nullptr && local_heap<>.heap() != own));
  });
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_of_others_that_was_not_told_of_its_end_goes_home_with_the_next_one) {
  if (kIsNarrow) return;  // it goes in chains, which lay in that thread's own memory
  FreshHeaps fresh;
  const Objects objects = left_behind(10);
  ThreadHeap* const other = ThreadHeap::owner_of(objects.front());
  const Keeper keeper;
  run_thread([&] {
    deallocate(allocate(kClass), kClass);
    ThreadHeap* const untold = ThreadHeap::create(domain_info<>);
    untold->bins()->open_run.open(other, ObjectRun(objects.front(), kClass).with_more(9));
    local_heap<>.take_over({untold->bins(), &local_bins<>});
    BOOST_TEST(untold->bins()->open_run.is_none());
    local_thread.flush();
    BOOST_TEST(other->chains_posted() == 1u);
  });
}

BOOST_AUTO_TEST_SUITE_END()
