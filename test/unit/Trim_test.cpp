// Memory goes back to the system: all of it when it is asked for, and by itself what is beyond a limit.
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/Control.hpp>
#include <latch>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Memory.hpp"
#include "support/Objects.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(trim)

namespace {

using namespace flux::test;
using namespace flux::detail;
using Heaps = std::vector<ThreadHeap*>;

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr unsigned kClass = 7;  // 64 bytes
constexpr std::size_t kMany = 200'000;

ThreadHeap& my_heap() { return *local_heap<>.heap(); }

void fill_and_clear(unsigned size_class, std::size_t count) {
  deallocate_all(allocate_many(size_class, count), size_class);
}

/// Of parked heaps.
std::size_t retained_bytes(const Heaps& heaps) {
  return std::accumulate(heaps.begin(), heaps.end(), std::size_t{0},
                         [](std::size_t sum, ThreadHeap* heap) { return sum + heap->retained_bytes(); });
}
std::size_t slabs_of(const Heaps& heaps) {
  return std::accumulate(heaps.begin(), heaps.end(), std::size_t{0},
                         [](std::size_t sum, ThreadHeap* heap) { return sum + census_of(*heap).slabs; });
}
std::string complaint_about(const Heaps& heaps) {
  std::string complaint;
  for (ThreadHeap* heap : heaps)
    if (complaint.empty()) complaint = flux::test::complaint_about(*heap);
  return complaint;
}

/// Objects of parked heaps that are neither home nor in a bin, after all that was sent home has come.
std::size_t away(const Heaps& heaps) {
  std::size_t count = 0;
  for (ThreadHeap* heap : heaps) {
    settle(*heap);
    count += census_of(*heap).away();
  }
  return count;
}

/// Lets a heap take its slow paths some hundred times.
void keep_busy(ThreadHeap& heap) {
  constexpr unsigned kOther = 30;
  for (int round = 0; round != 40; ++round) push_all(heap, pop_many(heap, kOther, 3000), kOther);
}

// What a heap did while it was filled and cleared.
struct Cleared {
  std::size_t most_discards = 0;  ///< of one call
  std::size_t discards = 0;
  std::size_t retained_bytes = 0;  ///< some slow calls after
  std::string complaint;
};

Cleared clear(unsigned size_class, std::size_t bytes, Order order) {
  Random random;
  OwnHeap heap;
  Objects objects = pop_many(*heap, size_class, bytes / stride_of(size_class));
  if (order == Order::kReverse) std::ranges::reverse(objects);
  if (order == Order::kRandom) shuffle(objects, random);
  Cleared cleared;
  for (void* object : objects) {
    const std::size_t before = heap.pages().discards();
    heap->push(object, size_class);
    cleared.most_discards = std::max(cleared.most_discards, heap.pages().discards() - before);
  }
  keep_busy(*heap);
  cleared.discards = heap.pages().discards();
  cleared.retained_bytes = heap->retained_bytes();
  cleared.complaint = complaint_about(Heaps{&*heap}) + heap.pages().complaint();
  return cleared;
}

/// Has `count` threads at a time make heaps, all of which are parked in the end.
template <class Work>
void on_heaps_of_their_own(std::size_t count, Work work) {
  std::latch all_have_one(static_cast<std::ptrdiff_t>(count));
  run_threads(count, [&](std::size_t index) {
    fill_and_clear(kClass, 1);
    all_have_one.arrive_and_wait();
    work(index);
  });
}

/// Trims on a thread without a heap.
std::size_t trim_by_another() {
  std::size_t bytes = 0;
  run_thread([&bytes] { bytes = flux::trim(); });
  return bytes;
}

// A thread that trims again and again while this lives.
class Trimmer {
 public:
  ~Trimmer() {
    is_over_ = true;
    thread_.join();
  }
  /// Waits until it has trimmed some times more.
  void wait() const {
    for (const std::size_t goal = rounds_ + 3; rounds_ < goal;) ::sched_yield();
  }

 private:
  std::atomic<bool> is_over_{false};
  std::atomic<std::size_t> rounds_{0};
  std::thread thread_{[this] {
    while (!is_over_) {
      flux::trim();
      ++rounds_;
    }
  }};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_process_without_heaps_has_nothing_to_give) {
  FreshHeaps fresh;
  BOOST_TEST(trim_by_another() == 0u);
  BOOST_TEST(fresh.pages().calls() == 0u);
}

BOOST_AUTO_TEST_CASE(all_that_a_thread_freed_goes_back_and_is_counted) {
  const WithRetentionLimit hold(flux::kHold);
  for (const unsigned c : {0u, 2u, kClass, 31u, 50u, 87u}) {
    FreshHeaps fresh;
    std::size_t bytes = 0, again = 1, retained = 1, slabs = 1;
    const std::size_t count = 12 * kMiB / stride_of(c);
    run_thread([&] {
      fill_and_clear(c, count);
      bytes = flux::trim();
      again = flux::trim();
      retained = my_heap().retained_bytes();
      slabs = census_of(my_heap()).slabs;
    });
    BOOST_TEST(bytes >= 12 * kMiB);
    BOOST_TEST(bytes <= 20 * kMiB);
    BOOST_TEST(bytes == fresh.pages().discarded_bytes());
    BOOST_TEST(again == 0u);
    BOOST_TEST(retained == 0u);
    BOOST_TEST(slabs == 0u);
    BOOST_TEST(complaint_about(fresh.parked()) == "");
    BOOST_TEST(fresh.pages().complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(live_objects_stay_as_they_are_and_memory_that_went_back_is_used_again) {
  FreshHeaps fresh;
  bool is_intact = true;
  std::size_t committed_before = 0;
  run_thread([&] {
    for (std::size_t round = 0; round <= scaled(4); ++round) {
      Objects objects = allocate_many(kClass, kMany), kept;
      const auto middle = objects.begin() + static_cast<std::ptrdiff_t>(kMany / 2);
      for (auto low = objects.begin(); low < objects.begin() + kMany / 4; low += 1000)
        std::swap(*low, low[kMany / 2]);
      kept.assign(middle, objects.end());
      objects.erase(middle, objects.end());
      deallocate_all(objects, kClass);
      is_intact = is_intact && flux::trim() > 0 && are_marked(kept, kClass);
      append(kept, allocate_many(kClass, kMany / 2));
      is_intact = is_intact && are_distinct(kept) && are_marked(kept, kClass);
      deallocate_all(kept, kClass);
      if (round == 0) committed_before = fresh.pages().committed_bytes();
    }
  });
  BOOST_TEST(is_intact);
  BOOST_TEST(fresh.pages().committed_bytes() == committed_before);
  BOOST_TEST(complaint_about(fresh.parked()) == "");
  BOOST_TEST(away(fresh.parked()) == 0u);
}

BOOST_AUTO_TEST_CASE(resident_memory_falls_to_what_it_was) {
  if (is_instrumented()) return;
  FreshHeaps fresh;
  std::size_t start = 0, full = 0, trimmed = 0;
  run_thread([&] {
    Objects objects = allocate_many(kClass, 1);
    objects.reserve(2'000'000);
    while (objects.size() != objects.capacity()) objects.push_back(nullptr);
    deallocate_all({objects.data(), 1}, kClass);
    start = process_memory().resident_bytes;
    for (void*& object : objects) mark(object = allocate(kClass), kClass);
    full = process_memory().resident_bytes;
    deallocate_all(objects, kClass);
    flux::trim();
    trimmed = process_memory().resident_bytes;
  });
  BOOST_TEST(full >= start + 100 * kMiB);
  BOOST_TEST(trimmed <= start + 2 * kMiB);
}

BOOST_AUTO_TEST_CASE(records_of_regions_without_slabs_go_back_as_well) {
  FreshHeaps fresh;
  std::size_t bytes = 0;
  run_thread([&] {
    fill_and_clear(87, 150 * kMiB / stride_of(87));
    flux::trim();
    bytes = fresh.pages().discarded_bytes();
  });
  BOOST_TEST(regions_of(*fresh.parked().front()) >= 4u);
  BOOST_TEST(bytes % kUnitBytes != 0u);  // records are no whole units
  trim_by_another();
  BOOST_TEST(fresh.pages().discarded_bytes() == bytes);  // once
  bool is_intact = false;
  run_thread([&] {
    const Objects objects = allocate_many(87, 150 * kMiB / stride_of(87));
    is_intact = are_marked(objects, 87) && are_distinct(objects);
    deallocate_all(objects, 87);
  });
  BOOST_TEST(is_intact);
  BOOST_TEST(complaint_about(fresh.parked()) == "");
}

BOOST_AUTO_TEST_CASE(heaps_of_ended_threads_give_all_they_have) {
  const WithRetentionLimit hold(flux::kHold);
  FreshHeaps fresh;
  on_heaps_of_their_own(4, [](std::size_t) { fill_and_clear(kClass, kMany / 4); });
  const Heaps heaps = fresh.parked();
  BOOST_TEST(heaps.size() == 4u);
  BOOST_TEST(retained_bytes(heaps) > 0u);
  BOOST_TEST(trim_by_another() >= kMany * 64);
  BOOST_TEST(retained_bytes(heaps) == 0u);
  BOOST_TEST(slabs_of(heaps) == 0u);
  BOOST_TEST(complaint_about(heaps) == "");
}

BOOST_AUTO_TEST_CASE(what_comes_home_to_an_ended_thread_goes_back_without_trim) {
  const WithRetentionLimit some(kMiB);
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] {  // has a heap of its own: that of the objects stays parked
    deallocate(allocate(kClass + 2), kClass + 2);
    run_thread([&] { objects = allocate_many(kClass, kMany); });
    deallocate_all(objects, kClass);
    BOOST_TEST(ThreadHeap::owner_of(objects.front()) != local_heap<>.heap());
  });
  BOOST_TEST(fresh.pages().discarded_bytes() >= kMany * 64 - kMiB - kUnitBytes);
  BOOST_TEST(retained_bytes(fresh.parked()) <= kMiB);
  trim_by_another();
  BOOST_TEST(slabs_of(fresh.parked()) == 0u);
  BOOST_TEST(complaint_about(fresh.parked()) == "");
}

BOOST_AUTO_TEST_CASE(what_the_trimming_thread_freed_of_others_goes_home_first) {
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, 10); });
  run_thread([&] {
    deallocate_all(objects, kClass);
    flux::trim();
    objects.clear();
  });
  BOOST_TEST(slabs_of(fresh.parked()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_with_a_heap_that_trims_keeps_nothing_that_it_freed_of_others) {
  FreshHeaps fresh;
  const auto kept = [] {
    const ObjectRun open = local_bins<>->open_run.get_remote();
    std::size_t count = open.is_none() ? 0 : open.count();
    local_thread.outbox().for_each([&count](void*) { ++count; });
    return count;
  };
  run_thread([&] {
    const Objects objects = allocate_many(kClass, 10);
    run_thread([&] {
      fill_and_clear(kClass, 1);
      deallocate_all(objects, kClass);
      BOOST_TEST(kept() != 0u);
      flux::trim();
      BOOST_TEST(kept() == 0u);
    });
  });
}

BOOST_AUTO_TEST_CASE(a_thread_that_sleeps_gives_the_slabs_that_others_freed) {
  FreshHeaps fresh;
  std::latch is_full(1), is_trimmed(1);
  Objects objects;
  std::size_t slabs = SIZE_MAX, trimmed = 0, retained = 1;
  bool works_on = false;
  std::thread sleeper([&] {
    objects = allocate_many(kClass, kMany);
    is_full.count_down();
    is_trimmed.wait();
    slabs = census_of(my_heap()).slabs;
    retained = my_heap().retained_bytes();
    const Objects more = allocate_many(kClass, kMany);
    works_on = are_distinct(more) && are_marked(more, kClass);
    deallocate_all(more, kClass);
  });
  is_full.wait();
  run_thread([&] { deallocate_all(objects, kClass); });
  trimmed = trim_by_another();
  is_trimmed.count_down();
  sleeper.join();
  BOOST_TEST(slabs <= 1u);  // the bin's
  BOOST_TEST(retained == 0u);
  BOOST_TEST(trimmed >= kMany * 64 - kUnitBytes);
  BOOST_TEST(works_on);
  BOOST_TEST(complaint_about(fresh.parked()) == "");
  BOOST_TEST(away(fresh.parked()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_reserved_memory_is_left_alone_until_it_trims) {
  const WithRetentionLimit none(0);
  FreshHeaps fresh;
  constexpr unsigned kOther = 9;
  std::size_t by_another = 1, slabs = 0, bytes = 0, later = 0;
  run_thread([&] {
    const Objects objects = allocate_many(kOther, kMany);
    flux::reserve(64, 1000);
    const std::size_t discards = fresh.pages().discards();
    run_thread([&] { deallocate_all(objects, kOther); });  // nobody helps
    by_another = trim_by_another() + fresh.pages().discards() - discards;
    slabs = census_of(my_heap(), kOther).slabs;
    bytes = flux::trim();
    const Objects more = allocate_many(kOther, kMany);
    run_thread([&] { deallocate_all(more, kOther); });
    later = fresh.pages().discarded_bytes() - bytes;
  });
  BOOST_TEST(by_another == 0u);
  BOOST_TEST(slabs >= kMany * 80 / kUnitBytes);
  BOOST_TEST(bytes >= kMany * 80);
  BOOST_TEST(later >= kMany * 80 / 2);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_reserved_memory_frees_that_of_others_without_a_call_to_the_system) {
  const WithRetentionLimit none(0);
  FreshHeaps fresh;
  Objects objects;
  std::size_t discards = 1, later = 0;
  run_thread([&] { objects = allocate_many(kClass, kMany); });
  run_thread([&] {
    const Objects blocker = allocate_many(kClass, 1);  // adopts the objects' heap
    run_thread([&] {
      flux::reserve(64, 1000);
      const std::size_t before = fresh.pages().discards();
      deallocate_all(objects, kClass);
      flux::flush();
      discards = fresh.pages().discards() - before;
      flux::trim();
      later = fresh.pages().discards() - before;
    });
    deallocate_all(blocker, kClass);
  });
  BOOST_TEST(discards == 0u);
  BOOST_TEST(later > 0u);
}

BOOST_AUTO_TEST_CASE(what_another_thread_reserved_stays_and_what_one_reserved_oneself_goes) {
  FreshHeaps fresh;
  constexpr std::size_t kSlabs = 1 + (kMany - 1) / 1024;
  std::size_t after_other = 0, after_own = 1, calls = 1, bytes = 0;
  run_thread([&] {
    flux::reserve(64, kMany);
    trim_by_another();
    after_other = census_of(my_heap(), kClass).slabs;
    fresh.pages().fail_from(1);
    fill_and_clear(kClass, kMany);
    calls = fresh.pages().calls();
    fresh.pages().fail_never();
    trim_by_another();
    after_other = std::min(after_other, census_of(my_heap(), kClass).slabs);
    bytes = flux::trim();
    after_own = census_of(my_heap(), kClass).slabs;
  });
  BOOST_TEST(after_other == kSlabs);
  BOOST_TEST(calls == 0u);
  BOOST_TEST(after_own == 0u);
  BOOST_TEST(bytes >= kSlabs * kUnitBytes);
}

// Another thread is inside this one's heap, and stays until this one has tried for a while.
namespace slow_discard {
PageSource before;
std::atomic<bool> is_inside{false};
std::atomic<bool> is_awaited{false};
std::thread::id slow_thread;

void discard(std::byte* begin, std::size_t bytes) noexcept {
  if (std::this_thread::get_id() == slow_thread && !is_inside.exchange(true)) {
    while (!is_awaited) ::sched_yield();
    for (int i = 0; i != 100'000; ++i) ::sched_yield();
  }
  before.discard(begin, bytes);
}
}  // namespace slow_discard

BOOST_AUTO_TEST_CASE(ones_own_memory_goes_back_although_another_thread_is_at_it) {
  using namespace slow_discard;
  const WithRetentionLimit hold(flux::kHold);
  FreshHeaps fresh;
  std::size_t retained = 1, slabs = 1;
  before = page_source;
  is_inside = is_awaited = false;
  run_thread([&] {
    fill_and_clear(kClass, kMany);
    page_source.discard = discard;
    std::thread other([] {
      slow_thread = std::this_thread::get_id();
      flux::trim();
    });
    while (!is_inside) ::sched_yield();
    is_awaited = true;
    flux::trim();
    retained = my_heap().retained_bytes();
    slabs = census_of(my_heap()).slabs;
    other.join();
  });
  page_source.discard = before.discard;
  BOOST_TEST(retained == 0u);
  BOOST_TEST(slabs == 0u);
}

BOOST_AUTO_TEST_CASE(busy_threads_lose_nothing_while_others_trim) {
  FreshHeaps fresh;
  std::atomic<std::size_t> damaged{0};
  const std::size_t rounds = scaled(150);
  std::vector<Objects> handed(3);
  {
    Trimmer first, second;
    on_heaps_of_their_own(3, [&](std::size_t index) {
      Random random(index);
      Objects live;
      for (std::size_t round = 0; round != rounds; ++round) {
        append(live, allocate_many(kClass, random.below(5000)));
        shuffle(live, random);
        damaged += !are_marked(live, kClass);
        const std::size_t kept = random.below(live.size() + 1);
        deallocate_all(std::span(live).subspan(kept), kClass);
        live.resize(kept);
        if (round % 16 == 0) flux::reserve(64, 1000);
        if (round % 16 == 8) damaged += flux::trim() > 256 * kMiB;
      }
      handed[index] = live;
    });
    first.wait();
    second.wait();
  }
  const Heaps heaps = fresh.parked();
  BOOST_TEST(damaged == 0u);
  BOOST_TEST(complaint_about(heaps) == "");
  Objects all;
  for (const Objects& objects : handed) append(all, objects);
  BOOST_TEST(are_distinct(all));
  BOOST_TEST(away(heaps) == all.size());
  run_thread([&] { deallocate_all(all, kClass); });
  trim_by_another();
  BOOST_TEST(slabs_of(heaps) == 0u);
  BOOST_TEST(fresh.pages().complaint() == "");
}

BOOST_AUTO_TEST_CASE(objects_that_change_hands_all_come_home_while_others_trim) {
  FreshHeaps fresh;
  constexpr std::size_t kThreads = 3;
  std::atomic<std::size_t> damaged{0};
  std::atomic<bool> is_taken[kThreads] = {};
  Objects belts[kThreads];
  {
    Trimmer trimmer;
    on_heaps_of_their_own(kThreads, [&](std::size_t index) {
      Random random(index);
      for (std::size_t round = 0; round != scaled(2000); ++round) {
        Objects objects = allocate_many(kClass, random.below(300));
        const std::size_t other = random.below(kThreads);
        if (!is_taken[other].exchange(true)) {
          std::swap(belts[other], objects);
          is_taken[other] = false;
        }
        damaged += !are_marked(objects, kClass);
        deallocate_all(objects, kClass);
      }
    });
  }
  run_thread([&] {
    for (const Objects& objects : belts) deallocate_all(objects, kClass);
  });
  BOOST_TEST(damaged == 0u);
  BOOST_TEST(complaint_about(fresh.parked()) == "");
  BOOST_TEST(away(fresh.parked()) == 0u);
}

BOOST_AUTO_TEST_CASE(threads_may_begin_and_end_while_others_trim) {
  FreshHeaps fresh;
  std::atomic<std::size_t> damaged{0};
  {
    Trimmer trimmer;
    run_threads(2, [&](std::size_t) {
      for (std::size_t round = 0; round != scaled(300); ++round)
        run_thread([&] {
          if (round % 3 == 0) flux::reserve(64, 2000);
          const Objects objects = allocate_many(kClass, 3000);
          damaged += !are_marked(objects, kClass) || !are_distinct(objects);
          deallocate_all(objects, kClass);
        });
    });
    trimmer.wait();
  }
  const Heaps heaps = fresh.parked();
  BOOST_TEST(damaged == 0u);
  BOOST_TEST(heaps.size() <= 3u);
  BOOST_TEST(complaint_about(heaps) == "");
  BOOST_TEST(away(heaps) == 0u);
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_allocates_frees_and_trims_although_threads_were_at_it) {
  if (is_under_valgrind())
    return;  // what lost threads held is leaked in the child, and changes its exit code
  const std::size_t forks = is_under_valgrind() ? 5 : scaled(60);
  std::atomic<bool> is_over{false};
  std::size_t failed = 0;
  {
    Trimmer first, second;
    std::thread busy([&is_over] {
      while (!is_over) fill_and_clear(kClass, 20'000);
    });
    fill_and_clear(kClass, 20'000);
    for (std::size_t i = 0; i != forks; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(60);
        void* objects[3000];
        for (int round = 0; round != 3; ++round) {
          for (void*& object : objects) mark(object = allocate(kClass), kClass);
          bool is_intact = are_marked(objects, kClass);
          deallocate_all(objects, kClass);
          flux::trim();
          is_intact = is_intact && my_heap().retained_bytes() == 0 && my_heap().is_valid();
          if (!is_intact) ::_exit(1);
        }
        ::_exit(0);
      }
      int status = -1;
      ::waitpid(child, &status, 0);
      failed += status != 0;
    }
    is_over = true;
    busy.join();
  }
  BOOST_TEST(failed == 0u);
  flux::trim();
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_finds_parked_heaps_whole_although_threads_were_freeing_their_objects) {
  if (is_under_valgrind())
    return;  // what lost threads held is leaked in the child, and changes its exit code
  constexpr std::size_t kHeaps = 4;
  std::size_t failed = 0;
  for (std::size_t i = 0; i != scaled(40); ++i) {
    FreshHeaps fresh;
    std::vector<Objects> objects(kHeaps);
    on_heaps_of_their_own(kHeaps, [&](std::size_t index) { objects[index] = allocate_many(kClass, 20'000); });
    std::atomic<std::size_t> begun{0};
    std::vector<std::jthread> freers;
    for (const std::size_t first : {0u, 1u})
      freers.emplace_back([&, first] {
        Random random(first);
        Objects mine = joined(objects[first], objects[first + 2]);
        shuffle(mine, random);
        ++begun;
        deallocate_all(mine, kClass);
      });
    while (begun != freers.size()) ::sched_yield();
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      bool is_whole = true;
      for (ThreadHeap* heap : adopt_all()) {
        is_whole = is_whole && heap->is_valid();
        push_all(*heap, pop_many(*heap, kClass, 5000), kClass);
        is_whole = is_whole && heap->is_valid();
      }
      ::_exit(is_whole ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    failed += status != 0;
  }
  BOOST_TEST(failed == 0u);
}

// Forks in the middle of work on another thread's heap, as a signal handler may.
namespace forking_discard {
PageSource before;
pid_t child = -1;

void discard(std::byte* begin, std::size_t bytes) noexcept {
  if (child == -1) child = ::fork();
  before.discard(begin, bytes);
}
}  // namespace forking_discard

BOOST_AUTO_TEST_CASE(a_fork_in_the_middle_of_help_waits_for_nobody_and_the_child_goes_on) {
  if (is_under_valgrind())
    return;  // what lost threads held is leaked in the child, and changes its exit code
  using namespace forking_discard;
  const WithRetentionLimit none(0);
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, kMany); });
  before = page_source;
  child = -1;
  int status = -1, second = -1;
  run_thread([&] {
    page_source.discard = discard;
    deallocate_all(objects, kClass);
    flux::flush();
    page_source.discard = before.discard;
    const pid_t grandchild = ::fork();  // and nothing is stuck afterwards, here or there
    if (grandchild == 0) ::_exit(0);
    ::waitpid(grandchild, &second, 0);
    if (child == 0) ::_exit(second == 0 && slabs_of(adopt_all()) == 0 ? 0 : 1);
    ::waitpid(child, &status, 0);
  });
  BOOST_TEST(child > 0);
  BOOST_TEST(second == 0);
  BOOST_TEST(status == 0);
  BOOST_TEST(slabs_of(fresh.parked()) == 0u);
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_gets_all_that_heaps_of_lost_threads_can_give) {
  if (is_under_valgrind())
    return;  // what lost threads held is leaked in the child, and changes its exit code
  FreshHeaps fresh;
  std::latch is_full(1), is_over(1);
  std::thread sleeper([&] {
    const Objects objects = allocate_many(kClass, kMany);
    run_thread([&] { deallocate_all(objects, kClass); });
    is_full.count_down();
    is_over.wait();
  });
  is_full.wait();
  int status = -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(flux::trim() >= kMany * 64 - kUnitBytes ? 0 : 1);
  }
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
  is_over.count_down();
  sleeper.join();
}

BOOST_AUTO_TEST_SUITE(retention)

BOOST_AUTO_TEST_CASE(memory_beyond_the_limit_goes_back_by_itself_and_in_bounded_steps) {
  for (const std::size_t limit : {std::size_t{0}, kMiB, 8 * kMiB, 64 * kMiB}) {
    const WithRetentionLimit some(limit);
    for (const unsigned c : {kClass, 60u, 87u})
      for (const Order order : kOrders) {
        const Cleared cleared = clear(c, 24 * kMiB, order);
        BOOST_TEST(cleared.most_discards <= 8u);
        BOOST_TEST(cleared.retained_bytes <= limit + kHugePageBytes);
        BOOST_TEST((limit < 24 * kMiB ? cleared.discards > 0 : cleared.discards == 0));
        BOOST_TEST(cleared.complaint == "");
      }
  }
}

BOOST_AUTO_TEST_CASE(memory_below_the_limit_stays) {
  const WithRetentionLimit some(8 * kMiB);
  for (const unsigned c : {kClass, 87u})
    for (const Order order : kOrders)
      BOOST_TEST(clear(c, 24 * kMiB, order).retained_bytes + 2 * kHugePageBytes >= 8 * kMiB);
}

BOOST_AUTO_TEST_CASE(who_holds_keeps_everything) {
  const WithRetentionLimit hold(flux::kHold);
  for (const Order order : kOrders) {
    const Cleared cleared = clear(kClass, 48 * kMiB, order);
    BOOST_TEST(cleared.discards == 0u);
    BOOST_TEST(cleared.retained_bytes >= 32 * kMiB);  // but what the bin holds of slabs here and there
  }
}

BOOST_AUTO_TEST_CASE(the_block_used_last_is_spared_where_the_limit_leaves_room_for_it) {
  for (const std::size_t limit : {std::size_t{0}, kHugePageBytes}) {
    const WithRetentionLimit some(limit);
    OwnHeap heap;
    const std::size_t few_slabs = 5 * kSizeClassInfo[kClass].capacity;
    for (int round = 0; round != 50; ++round) push_all(*heap, pop_many(*heap, kClass, few_slabs), kClass);
    BOOST_TEST((heap.pages().discards() == 0u) == (limit != 0));
    BOOST_TEST((heap->retained_bytes() > 0u) == (limit != 0));
  }
}

BOOST_AUTO_TEST_CASE(a_block_that_is_used_no_more_is_spared_no_more) {
  const WithRetentionLimit none(0);
  OwnHeap heap;
  const Objects first = pop_many(*heap, kClass, kMany);
  const Objects second = pop_many(*heap, kClass, kMany);
  push_all(*heap, second, kClass);
  push_all(*heap, first, kClass);
  keep_busy(*heap);
  BOOST_TEST(heap->retained_bytes() <= kHugePageBytes);
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_set_later_counts_from_then_on) {
  const WithRetentionLimit hold(flux::kHold);
  OwnHeap heap;
  push_all(*heap, pop_many(*heap, kClass, kMany), kClass);
  BOOST_TEST(heap->retained_bytes() >= kMany * 64 - kMiB);
  flux::set_retention_limit(kMiB);
  keep_busy(*heap);
  BOOST_TEST(heap->retained_bytes() <= kMiB + kHugePageBytes);
  BOOST_TEST(complaint_about(Heaps{&*heap}) == "");
}

BOOST_AUTO_TEST_CASE(memory_goes_back_while_a_thread_only_frees_or_only_allocates) {
  for (const bool frees : {false, true}) {
    const WithRetentionLimit hold(flux::kHold);
    constexpr unsigned kOther = 30;
    OwnHeap heap;
    const Objects others = pop_many(*heap, kOther, 20'000);
    push_all(*heap, pop_many(*heap, kClass, kMany), kClass);
    const std::size_t before = heap->retained_bytes();
    flux::set_retention_limit(0);
    if (frees) push_all(*heap, std::span(others).first(10'000), kOther);
    if (!frees) pop_many(*heap, kOther, 1000);
    BOOST_TEST(heap.pages().discards() > 0u);
    BOOST_TEST(heap->retained_bytes() + 4 * kMiB <= before);
  }
}

BOOST_AUTO_TEST_CASE(heaps_of_ended_threads_keep_no_more_than_the_limit_together) {
  for (const std::size_t limit : {std::size_t{0}, 5 * kMiB, 20 * kMiB}) {
    const WithRetentionLimit some(limit);
    FreshHeaps fresh;
    for (int round = 0; round != 3; ++round) {
      on_heaps_of_their_own(8, [](std::size_t) { fill_and_clear(kClass, 4 * kMiB / 64); });
      const Heaps heaps = fresh.parked();
      BOOST_TEST(heaps.size() == 8u);
      BOOST_TEST(retained_bytes(heaps) <= limit);
      BOOST_TEST((limit == 0 || retained_bytes(heaps) > 0));
      BOOST_TEST(complaint_about(heaps) == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_an_ended_thread_had_reserved_counts_as_well) {
  const WithRetentionLimit some(8 * kMiB);
  FreshHeaps fresh;
  on_heaps_of_their_own(4, [](std::size_t) { flux::reserve(64, 4 * kMiB / 64); });
  BOOST_TEST(retained_bytes(fresh.parked()) <= 8 * kMiB);
}

BOOST_AUTO_TEST_CASE(heaps_of_ended_threads_keep_all_for_who_holds) {
  const WithRetentionLimit hold(flux::kHold);
  FreshHeaps fresh;
  on_heaps_of_their_own(8, [](std::size_t) { fill_and_clear(kClass, 4 * kMiB / 64); });
  BOOST_TEST(retained_bytes(fresh.parked()) >= 8 * 3 * kMiB);
  BOOST_TEST(fresh.pages().discards() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE_END()
