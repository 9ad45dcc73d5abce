// What was reserved costs no page fault and no call to the system, and is there or refused as a whole.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>
#include <list>
#include <new>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "support/Death.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Objects.hpp"
#include "support/Quiet.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(control)

namespace {

using namespace flux::test;
using namespace flux::detail;

// Objects of one size, as many as a container of some size has.
struct Load {
  std::size_t bytes;
  std::size_t count;

  unsigned size_class() const { return size_class_of(bytes, alignof(void*)); }
  void reserve() const { flux::reserve(bytes, count); }
};

constexpr Load kLoads[] = {{8, 1},        {8, 200'000},   {24, 100'000}, {24, 100},   {64, 2047},
                           {64, 2048},    {64, 2049},     {64, 100'000}, {200, 1},    {200, 60'000},
                           {1000, 5'000}, {1000, 20'000}, {32'768, 1},   {32'768, 9}, {32'768, 600}};

std::ostream& operator<<(std::ostream& out, const Load& load) {
  return out << load.count << " of " << load.bytes << " bytes";
}

// Fills, clears and fills again what a load allows. Calls the system for nothing by itself, and touches no new
// memory.
class Exercise {
 public:
  explicit Exercise(const Load& load) : class_(load.size_class()), objects_(load.count, this) {}

  void run() {
    for (const Order order : kOrders) {
      fill(0);
      arrange(order);
      clear(0);
    }
    fill(0);
    for (std::size_t round = 0; round != rounds_; ++round) {
      arrange(kOrders[round % std::size(kOrders)]);
      const std::size_t kept = random_.below(objects_.size() + 1);
      clear(kept);
      fill(kept);
    }
    for (std::size_t i = 0; i != objects_.size(); ++i) {  // one by one, with all live but one
      std::swap(objects_[random_.below(objects_.size())], objects_.back());
      clear(objects_.size() - 1);
      fill(objects_.size() - 1);
    }
    clear(0);
  }

  /// The least that asks for all that is allowed, twice.
  void run_in_short() {
    fill(0);
    arrange(Order::kRandom);
    clear(0);
    fill(0);
    clear(0);
  }

 private:
  const std::size_t rounds_ = scaled(12);

  void fill(std::size_t from) {
    for (std::size_t i = from; i != objects_.size(); ++i) {
      objects_[i] = allocate(class_);
      touch(static_cast<std::byte*>(objects_[i]), stride_of(class_));
    }
  }
  /// Writes to each page of an object. ThreadSanitizer is not told: it would fill a page of its own for each, and that took
  /// four fifths of the suite's time there, for objects that no other thread knows.
  __attribute__((no_sanitize("thread"))) static void touch(volatile std::byte* begin, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += 4096) begin[at] = std::byte{1};
    begin[bytes - 1] = std::byte{1};
  }
  void clear(std::size_t from) {
    for (std::size_t i = from; i != objects_.size(); ++i) deallocate(objects_[i], class_);
  }
  void arrange(Order order) {
    if (order == Order::kReverse) std::ranges::reverse(objects_);
    if (order == Order::kRandom) std::ranges::shuffle(objects_, random_);
  }

  unsigned class_;
  Objects objects_;
  Random random_;
};

/// Makes the code that an exercise runs resident, on a thread of its own with a heap of its own.
void warm_up() {
  FreshHeaps fresh;
  run_thread([] {
    for (const Load load :
         {Load{64, 10'000}, Load{8, 200'000}}) {  // of one slab and of several, with a bitmap here and there
      load.reserve();
      Exercise(load).run();
    }
    page_faults();
    touch_stack();
  });
}

/// Page faults of the calling thread while it does what `load` allows, after it reserved that.
std::size_t faults_within(const Load& load) {
  Exercise exercise(load);
  touch_stack();
  load.reserve();
  const std::size_t before = page_faults();
  exercise.run();
  return page_faults() - before;
}

/// Ends the process well when what `load` allows needs no call to the system, after it was reserved.
void exercise_without_calls(const Load& load) {
  Exercise exercise(load);
  load.reserve();
  if (!forbid_calls()) ::_exit(1);
  exercise.run();
  constexpr std::string_view kDone = "done";
  if (::write(STDERR_FILENO, kDone.data(), kDone.size()) != static_cast<ssize_t>(kDone.size())) ::_exit(1);
  ::syscall(SYS_exit_group, 0);  // not _exit, which writes counts of coverage first
}

bool is_refused(const Load& load) {
  try {
    load.reserve();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

/// Runs `work` on a thread that makes a heap of its own, from `fresh.pages()`, while it holds `fresh`.
template <class Work>
void with_fresh_heap(Work work, std::size_t address_limit = kModestPieces) {
  FreshHeaps fresh(address_limit);
  run_thread([&] { work(fresh.pages()); });
}

ThreadHeap& my_heap() { return *local_heap<>.heap(); }

// What became of a reservation whose n-th call for memory failed.
struct Attempt {
  bool is_reached = false;  ///< the n-th call
  bool refused = false;
  bool is_valid = true;
  bool has_nothing_more = true;  ///< slabs, when refused
  bool is_granted_later = false;
  bool is_quiet_later = false;

  Attempt(const Load& load, std::size_t n, std::size_t live_before, std::size_t address_limit) {
    const unsigned c = load.size_class();
    with_fresh_heap(
        [&](FailingPageSource& pages) {
          const Objects live = allocate_many(c, live_before);
          const std::size_t slabs_before = live_before == 0 ? 0 : census_of(my_heap(), c).slabs;
          pages.fail_at(n);
          refused = is_refused(load);
          is_reached = pages.calls() >= n;
          if (refused && local_heap<>.heap() != nullptr) {
            has_nothing_more = census_of(my_heap(), c).slabs == slabs_before;
            is_valid = complaint_about(my_heap()).empty() && are_marked(live, c);
          }
          pages.fail_never();
          is_granted_later = !is_refused(load);
          pages.fail_from(1);
          Exercise(load).run_in_short();  // for every n: what a whole one needs is tested above
          is_quiet_later = pages.calls() == 0;
          pages.fail_never();
          is_valid = is_valid && complaint_about(my_heap()).empty() && are_marked(live, c);
          deallocate_all(live, c);
          is_valid = is_valid && census_of(my_heap()).away() == 0 && pages.complaint().empty();
        },
        address_limit);
  }
};

/// Fails each call for memory in turn; how often that refused the reservation.
std::size_t refuse_everywhere(const Load& load, std::size_t live_before, std::size_t address_limit) {
  std::size_t refused = 0;
  for (std::size_t n = 1;; ++n) {
    const Attempt attempt(load, n, live_before, address_limit);
    BOOST_TEST(attempt.is_valid);
    BOOST_TEST(attempt.has_nothing_more);
    BOOST_TEST(attempt.is_granted_later);
    BOOST_TEST(attempt.is_quiet_later);
    refused += attempt.refused;
    if (!attempt.is_reached) return refused;
  }
}

/// Calls for memory of a thread that has reserved for `reserved` objects, while it makes `live` of them at a time, and 64
/// other threads free what it made, each its share.
std::size_t calls_while_others_free(const Load& reserved, std::size_t live) {
  constexpr std::size_t kThreads = 65;
  const unsigned c = reserved.size_class();
  FreshHeaps fresh;
  std::barrier turn(kThreads);
  Objects objects;
  std::size_t calls = 0;
  run_threads(kThreads, [&](std::size_t thread) {
    if (thread == 0) reserved.reserve();
    if (thread != 0) deallocate(allocate(9), 9);  // has a heap, and so a chain
    turn.arrive_and_wait();
    if (thread == 0) fresh.pages().fail_never();  // counts from here
    for (int round = 0; round != 20; ++round) {
      if (thread == 0) objects = allocate_many(c, live);
      turn.arrive_and_wait();
      if (thread != 0)
        for (std::size_t i = thread - 1; i < live; i += kThreads - 1) deallocate(objects[i], c);
      turn.arrive_and_wait();
    }
    if (thread == 0) calls = fresh.pages().calls();
    turn.arrive_and_wait();  // before an end, which sends all home
  });
  return calls;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_the_main_thread_reserved_takes_no_page_fault) {
  if (!page_faults_count()) return;
  warm_up();
  for (const Load& load : kLoads) {
    BOOST_TEST(faults_within(load) == 0u, load);
    flux::trim();
  }
}

BOOST_AUTO_TEST_CASE(what_a_new_thread_reserved_takes_no_page_fault) {
  if (!page_faults_count()) return;
  warm_up();
  for (const Load& load : kLoads) {
    std::size_t faults = 0;
    with_fresh_heap([&](FailingPageSource&) { faults = faults_within(load); });
    BOOST_TEST(faults == 0u, load);
  }
}

BOOST_AUTO_TEST_CASE(any_number_of_reserved_slabs_takes_no_page_fault) {
  if (!page_faults_count()) return;
  warm_up();
  for (std::size_t slabs = 1; slabs <= 110; slabs += slabs > 12 && slabs < 40 ? 9 : 1) {
    const Load load{256, slabs * kSizeClassInfo[31].capacity};
    std::size_t faults = 0;
    with_fresh_heap([&](FailingPageSource&) { faults = faults_within(load); });
    BOOST_TEST(faults == 0u, slabs << " slabs");
  }
}

BOOST_AUTO_TEST_CASE(freeing_what_was_live_before_takes_no_page_fault_either) {
  if (!page_faults_count()) return;
  warm_up();
  for (const std::size_t bytes : {8u, 24u, 64u, 200u, 1000u, 32'768u}) {
    const Load load{bytes, 100};
    std::size_t faults = 0;
    with_fresh_heap([&](FailingPageSource&) {
      const Objects live = allocate_many(load.size_class(), 3000);
      Exercise exercise(load);
      touch_stack();
      load.reserve();
      const std::size_t before = page_faults();
      deallocate_all(live, load.size_class());
      exercise.run();
      faults = page_faults() - before;
    });
    BOOST_TEST(faults == 0u, load);
  }
}

BOOST_AUTO_TEST_CASE(without_a_reservation_there_are_page_faults) {
  if (!page_faults_count()) return;
  warm_up();
  std::size_t faults = 0;
  with_fresh_heap([&](FailingPageSource&) {
    Exercise exercise({64, 100'000});
    const std::size_t before = page_faults();
    exercise.run();
    faults = page_faults() - before;
  });
  BOOST_TEST(faults > 0u);
}

BOOST_AUTO_TEST_CASE(what_the_main_thread_reserved_calls_the_system_for_nothing) {
  if (is_instrumented()) return;
  for (const Load& load : kLoads) {
    const Death death = death_of([&load] { exercise_without_calls(load); });
    BOOST_TEST(death.signal == 0, load);
    BOOST_TEST(death.message == "done", load);
  }
}

BOOST_AUTO_TEST_CASE(what_a_new_thread_reserved_calls_the_system_for_nothing) {
  if (is_instrumented()) return;
  for (const Load& load : kLoads) {
    const Death death = death_of([&load] { run_thread([&load] { exercise_without_calls(load); }); });
    BOOST_TEST(death.signal == 0, load);
    BOOST_TEST(death.message == "done", load);
  }
}

BOOST_AUTO_TEST_CASE(that_holds_when_no_free_memory_may_be_kept) {
  if (is_instrumented()) return;
  const WithRetentionLimit none(0);
  for (const Load& load : kLoads) {
    const Death death = death_of([&load] {
      run_thread([&load] {
        deallocate_all(allocate_many(20, 30'000), 20);  // free memory that has to go first
        exercise_without_calls(load);
      });
    });
    BOOST_TEST(death.message == "done", load);
  }
}

BOOST_AUTO_TEST_CASE(without_a_reservation_there_are_calls) {
  if (is_instrumented()) return;
  const Death death = death_of([] {
    run_thread([] {
      Exercise exercise({64, 2'000'000});
      if (forbid_calls()) exercise.run();
    });
  });
  BOOST_TEST(death.signal == SIGSYS);
}

BOOST_AUTO_TEST_CASE(a_reservation_for_a_type_is_one_for_its_size_and_alignment) {
  struct alignas(1024) Aligned {
    std::byte bytes[1024];
  };
  struct Node {
    void* links[2];
    std::uint64_t value;
  };
  with_fresh_heap([](FailingPageSource& pages) {
    flux::reserve<Aligned>(1000);
    flux::reserve<Node>(50'000);
    pages.fail_from(1);
    std::list<std::uint64_t, flux::Allocator<std::uint64_t>> list(50'000);
    flux::Allocator<Aligned> allocator;
    std::array<Aligned*, 1000> objects;
    for (Aligned*& object : objects) object = allocator.allocate(1);
    for (Aligned* object : objects) allocator.deallocate(object, 1);
    if (pages.calls() != 0) throw std::logic_error("a call for memory");
  });
}

BOOST_AUTO_TEST_CASE(a_reservation_of_nothing_does_nothing) {
  with_fresh_heap([](FailingPageSource& pages) {
    flux::reserve(64, 0);
    flux::reserve<int>(0);
    if (pages.calls() != 0 || local_heap<>.heap() != nullptr) throw std::logic_error("something was done");
  });
}

BOOST_AUTO_TEST_CASE(objects_that_do_not_come_from_slabs_cannot_be_reserved) {
  struct alignas(8192) Aligned {};
  BOOST_CHECK_THROW(flux::reserve(32'769, 1), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve(32'769, 0), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve(SIZE_MAX, 1), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve(8, 1, 8192), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve(8, 1, 3), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve(8, 1, 0), std::invalid_argument);
  BOOST_CHECK_THROW(flux::reserve<Aligned>(1), std::invalid_argument);
  BOOST_CHECK_NO_THROW(flux::reserve(32'768, 1, 4096));
}

BOOST_AUTO_TEST_CASE(more_than_the_machine_has_is_refused_before_the_system_is_asked) {
  for (const std::size_t bytes : {8u, 64u, 32'768u}) {
    const std::size_t all = System::physical_bytes() / bytes;
    for (const std::size_t n : {all + 1, 2 * all, SIZE_MAX / bytes, SIZE_MAX / bytes + 1, SIZE_MAX}) {
      bool refused = false;
      std::size_t calls = 0;
      with_fresh_heap([&](FailingPageSource& pages) {
        refused = is_refused({bytes, n});
        calls = pages.calls();
      });
      BOOST_TEST(refused, n);
      BOOST_TEST(calls == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_reservation_is_refused_as_a_whole_wherever_memory_is_out) {
  for (const Load& load : {Load{8, 1}, Load{24, 20'000}, Load{1000, 3000}, Load{32'768, 100}}) {
    BOOST_TEST(refuse_everywhere(load, 0, kModestPieces) >= 2u);
    BOOST_TEST(refuse_everywhere(load, 100, kModestPieces) >= 1u);
  }
}

BOOST_AUTO_TEST_CASE(the_same_holds_for_one_of_several_regions_and_pieces) {
  if (is_under_valgrind()) return;
  BOOST_TEST(refuse_everywhere({32'768, 1500}, 0, kModestPieces) >= 30u);
  BOOST_TEST(refuse_everywhere({32'768, 1500}, 10, kSingleRegions) >= 30u);
}

BOOST_AUTO_TEST_CASE(a_reservation_after_the_first_is_used_up_adds_to_it) {
  constexpr unsigned kClass = 7;
  constexpr std::size_t kCount = 30'000;
  std::size_t calls = 1;
  with_fresh_heap([&](FailingPageSource& pages) {
    flux::reserve(64, kCount);
    const Objects first = allocate_many(kClass, kCount);
    flux::reserve(64, kCount);
    pages.fail_from(1);
    for (int round = 0; round != 3; ++round) deallocate_all(allocate_many(kClass, kCount), kClass);
    deallocate_all(first, kClass);
    deallocate_all(allocate_many(kClass, 2 * kCount), kClass);
    calls = pages.calls();
  });
  BOOST_TEST(calls == 0u);
}

BOOST_AUTO_TEST_CASE(reservations_for_several_sizes_hold_together) {
  std::size_t calls = 1;
  std::string complaint;
  with_fresh_heap([&](FailingPageSource& pages) {
    const Load loads[] = {{8, 20'000}, {64, 20'000}, {200, 3000}, {32'768, 50}};
    for (const Load& load : loads) load.reserve();
    pages.fail_from(1);
    for (int round = 0; round != 3; ++round)
      for (const Load& load : loads) Exercise(load).run();
    calls = pages.calls();
    complaint = complaint_about(my_heap());
  });
  BOOST_TEST(calls == 0u);
  BOOST_TEST(complaint == "");
}

BOOST_AUTO_TEST_CASE(reserved_slabs_stay_although_no_free_memory_may_be_kept) {
  const WithRetentionLimit none(0);
  const Load load{64, 100'000};
  std::size_t slabs_before = 0, slabs_after = 0, discards = 1;
  with_fresh_heap([&](FailingPageSource& pages) {
    load.reserve();
    slabs_before = census_of(my_heap(), load.size_class()).slabs;
    const std::size_t discards_before = pages.discards();
    Exercise(load).run();
    slabs_after = census_of(my_heap(), load.size_class()).slabs;
    discards = pages.discards() - discards_before;
  });
  BOOST_TEST(slabs_before >= 98u);
  BOOST_TEST(slabs_after == slabs_before);
  BOOST_TEST(discards == 0u);
}

BOOST_AUTO_TEST_CASE(a_reservation_ends_with_its_thread) {
  const Load load{64, 100'000};
  FreshHeaps fresh;
  Objects live;
  run_thread([&] {
    load.reserve();
    live = allocate_many(load.size_class(), 1);
  });
  ThreadHeap& heap = *fresh.parked().front();
  BOOST_TEST(census_of(heap, load.size_class()).slabs <= 3u);  // with the live object's, and the bin's
  BOOST_TEST(complaint_about(heap) == "");
  run_thread([&] {
    deallocate_all(allocate_many(load.size_class(), load.count), load.size_class());
    deallocate_all(live, load.size_class());
  });
  BOOST_TEST(census_of(heap, load.size_class()).slabs <= 3u);
  BOOST_TEST(complaint_about(heap) == "");
}

BOOST_AUTO_TEST_CASE(what_others_freed_and_have_not_sent_home_counts_as_alive) {
  constexpr std::size_t kLive = 3000;
  BOOST_TEST(calls_while_others_free({1000, kLive + 64 * 64}, kLive) == 0u);
  BOOST_TEST(calls_while_others_free({1000, kLive}, kLive) > 0u);
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_of_others_is_sent_home_by_a_flush) {
  FreshHeaps fresh;
  std::size_t before = 0, after = 0;
  run_thread([&] {
    const Objects objects = allocate_many(7, 10);
    run_threads(1, [&](std::size_t) {
      deallocate(allocate(9), 9);  // has a heap, and so a chain
      deallocate_all(objects, 7);
      settle(*ThreadHeap::owner_of(objects.front()));
      before = census_of(*ThreadHeap::owner_of(objects.front())).away();
      flux::flush();
      settle(*ThreadHeap::owner_of(objects.front()));
      after = census_of(*ThreadHeap::owner_of(objects.front())).away();
    });
  });
  BOOST_TEST(before == 10u);
  BOOST_TEST(after == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
