// Runs of objects: out of a bin in one go, into it in one go, and all that lies in between.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstring>
#include <flux/detail/heap/Burst.hpp>
#include <new>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/ObjectSets.hpp"
#include "support/Random.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(burst)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 5;
const auto kCapacity = static_cast<std::size_t>(Bins::capacity(kClass));

Objects objects_of(Run run) {
  Objects objects;
  while (run.count != 0) objects.push_back(take_first(run));
  return objects;
}

Run run_of(const Objects& objects) {
  Run run;
  for (void* object : objects) append(run, {object, object, 1});
  return run;
}

/// What is in a bin, in the order in which pops give it; open to tools, because runs are linked through it.
Objects bin_of(ThreadHeap& heap) {
  const Bin& bin = heap.bins()->bins[kClass];
  void** const end = heap.bins()->stack_end(kClass);
  Objects objects(end + bin.bottom, end + bin.level);
  std::ranges::reverse(objects);
  for (void* object : objects) open_free(object, stride_of(kClass));
  return objects;
}

/// Leaves at least so many in the bin.
void fill_bin(ThreadHeap& heap, std::size_t count) { push_all(heap, pop_many(heap, kClass, count), kClass); }

/// Bins without an object that crash who writes to them.
class ReadOnlyBins {
 public:
  ReadOnlyBins() : memory_(::mmap(nullptr, sizeof(Bins), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    BOOST_REQUIRE(memory_ != MAP_FAILED);
  }
  ReadOnlyBins(const ReadOnlyBins&) = delete;
  ReadOnlyBins& operator=(const ReadOnlyBins&) = delete;
  ~ReadOnlyBins() { ::munmap(memory_, sizeof(Bins)); }
  Bins& operator*() const { return *static_cast<Bins*>(memory_); }

 private:
  void* memory_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_run_is_all_that_a_bin_holds) {
  OwnHeap heap;
  fill_bin(*heap, 1500);
  const Objects held = bin_of(*heap);
  BOOST_TEST(held.size() >= 1500u);
  const Run run = take_run(*heap->bins(), kClass, SIZE_MAX);
  BOOST_TEST(run.count == held.size());
  BOOST_TEST(in_bin(*heap, kClass) == 0u);
  BOOST_TEST(run.last == held.back());
  BOOST_TEST(objects_of(run) == held);  // in the order of pops
}

BOOST_AUTO_TEST_CASE(a_run_is_no_longer_than_asked_for) {
  OwnHeap heap;
  fill_bin(*heap, 1000);
  const Objects held = bin_of(*heap);
  const Objects taken = objects_of(take_run(*heap->bins(), kClass, 300));
  BOOST_TEST(taken == Objects(held.begin(), held.begin() + 300));
  BOOST_TEST(bin_of(*heap) == Objects(held.begin() + 300, held.end()));
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(bins_without_an_object_are_not_written) {
  const ReadOnlyBins bins;
  BOOST_TEST(take_run(*bins, kClass, SIZE_MAX).count == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_pushed_as_a_run_is_popped_in_the_opposite_order) {
  OwnHeap heap;
  Objects objects = pop_many(*heap, kClass, 100);
  const std::size_t before = in_bin(*heap, kClass);
  Run run = run_of(objects);
  push_run(*heap->bins(), kClass, run);
  BOOST_TEST(run.count == 0u);
  BOOST_TEST(in_bin(*heap, kClass) == before + 100);
  std::ranges::reverse(objects);
  BOOST_TEST(pop_many(*heap, kClass, 100) == objects);
}

BOOST_AUTO_TEST_CASE(a_run_is_pushed_up_to_the_first_object_of_another_heap) {
  OwnHeap heap;
  const Objects own = pop_many(*heap, kClass, 20);
  ThreadHeap* const other = ThreadHeap::create(domain_info<>);
  void* const foreign = pop_many(*other, kClass, 1).front();
  Objects mixed(own.begin(), own.begin() + 15);
  mixed.push_back(foreign);
  append(mixed, Objects(own.begin() + 15, own.end()));
  const std::size_t before = in_bin(*heap, kClass);
  Run run = run_of(mixed);
  push_run(*heap->bins(), kClass, run);
  BOOST_TEST(in_bin(*heap, kClass) == before + 15);
  BOOST_TEST(run.first == foreign);
  BOOST_TEST(run.count == 6u);
}

BOOST_AUTO_TEST_CASE(a_run_is_pushed_until_the_bin_is_full) {
  OwnHeap heap;
  const Objects objects = pop_many(*heap, kClass, kCapacity + 100);
  const Bin& bin = heap->bins()->bins[kClass];
  const auto room = static_cast<std::size_t>(-bin.level);
  Run run = run_of(objects);
  push_run(*heap->bins(), kClass, run);
  BOOST_TEST(bin.level == 0);
  BOOST_TEST(run.count == objects.size() - room);
  BOOST_TEST(run.first == objects[room]);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_not_released_goes_back) {
  std::array<void*, 3> words{};
  std::size_t given_back = 0;
  const auto give_back = [&](const Run& run) noexcept { given_back += run.count; };
  {
    GrowingRun run(give_back);
    for (void*& word : words) run.append(&word);
  }
  BOOST_TEST(given_back == 3u);
  Run released;
  {
    GrowingRun run(give_back);
    for (void*& word : words) run.append(&word);
    released = run.release();
  }
  BOOST_TEST(given_back == 3u);
  BOOST_TEST((objects_of(released) == Objects{&words[0], &words[1], &words[2]}));
}

BOOST_AUTO_TEST_CASE(a_run_from_a_fresh_heap_lies_in_address_order) {
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] {
    objects = objects_of(allocate_run<void>(1000, kClass));
    deallocate_run<void>(run_of(objects), kClass);
  });
  BOOST_TEST(objects.size() == 1000u);
  BOOST_TEST(std::ranges::is_sorted(objects));
  BOOST_TEST(are_distinct(objects));
}

BOOST_AUTO_TEST_CASE(a_run_longer_than_a_bin_is_taken_and_goes_home) {
  FreshHeaps fresh;
  bool are_whole = true;
  std::size_t away = 0;
  run_thread([&] {
    for (const unsigned c : {0u, kClass, 31u, 60u, kSizeClasses - 1}) {
      const std::size_t count = 5 * static_cast<std::size_t>(Bins::capacity(c)) + 3;
      const Objects objects = objects_of(allocate_run<void>(count, c));
      are_whole = are_whole && objects.size() == count && are_distinct(objects);
      for (void* object : objects) mark(object, c);
      are_whole = are_whole && are_marked(objects, c);
      are_whole = are_whole && census_of(*local_heap<>.heap(), c).away() == count;
      deallocate_run<void>(run_of(objects), c);
    }
    away = census_of(*local_heap<>.heap()).away();
  });
  BOOST_TEST(are_whole);
  BOOST_TEST(away == 0u);
  BOOST_TEST(complaint_about(*fresh.parked().front()) == "");
}

BOOST_AUTO_TEST_CASE(a_run_of_objects_of_several_heaps_goes_home_to_each) {
  FreshHeaps fresh;
  std::array<Objects, 3> of_others;
  run_thread([&] {  // one in another, so that each has a heap of its own
    of_others[0] = allocate_many(kClass, 700);
    run_thread([&] {
      of_others[1] = allocate_many(kClass, 700);
      run_thread([&] {
        of_others[2] = allocate_many(kClass, 700);
        Objects all = joined(joined(of_others[0], of_others[1]), of_others[2]);
        Random random;
        shuffle(all, random);
        deallocate_run<void>(run_of(all), kClass);
      });
    });
  });
  const std::vector<ThreadHeap*> heaps = fresh.parked();
  BOOST_TEST(heaps.size() == 3u);
  for (ThreadHeap* heap : heaps) {
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_runs_sends_all_home) {
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, 1000); });
  run_thread([&] { deallocate_run<void>(run_of(objects), kClass); });
  BOOST_TEST(no_bins.bins[kClass].level == 0);
  BOOST_TEST(no_bins.bins[kClass].bottom == 0);
  ThreadHeap& heap = *fresh.parked().front();
  settle(heap);
  BOOST_TEST(census_of(heap).away() == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_ended_takes_and_gives_runs) {
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] {
    at_thread_end([&] {
      objects = objects_of(allocate_run<void>(50, kClass));
      deallocate_run<void>(run_of(objects), kClass);
    });
    deallocate(allocate(kClass), kClass);
  });
  BOOST_TEST(objects.size() == 50u);
  BOOST_TEST(are_distinct(objects));
  ThreadHeap& heap = *fresh.parked().front();
  settle(heap);
  BOOST_TEST(census_of(heap).away() == 0u);
}

BOOST_AUTO_TEST_CASE(when_memory_is_out_in_the_middle_all_of_the_run_goes_back) {
  constexpr std::size_t kCount = 200'000;
  std::size_t calls = 0;
  {
    FreshHeaps fresh;
    fresh.pages().fail_never();
    run_thread([&] { deallocate_run<void>(allocate_run<void>(kCount, kClass), kClass); });
    calls = fresh.pages().calls();
  }
  BOOST_TEST(calls >= 4u);
  for (std::size_t n = 1; n <= calls; ++n) {
    FreshHeaps fresh;
    std::size_t refused = 0;
    fresh.pages().fail_from(n);
    run_thread([&] {
      try {
        deallocate_run<void>(allocate_run<void>(kCount, kClass), kClass);
      } catch (const std::bad_alloc&) {
        ++refused;
      }
    });
    BOOST_TEST(refused == 1u);
    for (ThreadHeap* heap : fresh.parked()) {
      BOOST_TEST(census_of(*heap).away() == 0u);
      BOOST_TEST(complaint_about(*heap) == "");
    }
    fresh.pages().fail_never();
    run_thread([&] { deallocate_run<void>(allocate_run<void>(kCount, kClass), kClass); });
  }
}

BOOST_AUTO_TEST_CASE(an_object_that_may_be_refused_is_null_when_memory_is_out) {
  FreshHeaps fresh;
  fresh.pages().fail_from(1);
  void* refused = &fresh;
  bool is_given = false;
  run_thread([&] {
    refused = allocate_or_null<void>(kClass);
    fresh.pages().fail_never();
    void* const given = allocate_or_null<void>(kClass);
    void* const popped = allocate_or_null<void>(kClass);
    is_given = given != nullptr && popped != nullptr && given != popped;
    deallocate(given, kClass);
    deallocate(popped, kClass);
  });
  BOOST_TEST(refused == nullptr);
  BOOST_TEST(is_given);
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_CASE(large_objects_come_and_go_as_runs_too) {
  constexpr std::size_t kBytes = 40'000;
  const Run run = allocate_large_run(20, kBytes, 16'384);
  const Objects objects = objects_of(run);
  BOOST_TEST(objects.size() == 20u);
  BOOST_TEST(are_distinct(objects));
  for (void* object : objects) {
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(object) % 16'384 == 0u);
    std::memset(object, 0x5A, kBytes);
  }
  deallocate_large_run(run_of(objects), kBytes, 16'384);
}

BOOST_AUTO_TEST_SUITE_END()
