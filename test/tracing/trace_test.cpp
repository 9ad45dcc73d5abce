// A traced program is told of every event, on the thread where it happens, with the numbers that there are.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/flux.hpp>
#include <new>
#include <set>
#include <vector>

#include "support/Random.hpp"
#include "support/StatisticsOf.hpp"
#include "support/TagObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(tracing)

namespace {

using namespace flux::test;
using flux::Trace;
using flux::TraceEvent;
using flux::detail::kRegionBytes;
using flux::detail::stride_of;

constexpr unsigned kClass = kUsualClass;

// What came, in the order in which it came. In memory that is there: the function may not allocate.
std::array<Trace, 200'000> came{};
std::atomic<std::size_t> how_many{0};

void note(const Trace& trace) noexcept {
  const std::size_t place = how_many++;
  if (place < came.size()) came[place] = trace;
}

/// Listens while it lives.
struct Listening {
  Listening() {
    how_many = 0;
    flux::set_trace(note);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;
  ~Listening() { flux::set_trace(nullptr); }
};

std::vector<Trace> heard() {
  BOOST_REQUIRE(how_many < came.size());
  return {came.begin(), came.begin() + static_cast<std::ptrdiff_t>(how_many.load())};
}

/// Of events of one kind, and of one heap where it is named.
struct Sum {
  std::size_t events = 0;
  std::size_t count = 0;
};
Sum sum_of(TraceEvent event, const void* heap = nullptr) {
  Sum sum;
  for (const Trace& trace : heard()) {
    if (trace.event != event || (heap != nullptr && trace.heap != heap)) continue;
    ++sum.events;
    sum.count += trace.count;
  }
  return sum;
}

template <class Tag>
const flux::detail::ThreadHeap* my_heap() {
  return flux::detail::local_heap<Tag>.heap();
}

template <class Tag>
std::size_t in_bin(unsigned size_class = kClass) {
  return my_heap<Tag>()->heap_bins().count_remote(size_class);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_program_knows_that_it_is_traced_and_sets_its_function) {
  BOOST_TEST(flux::kIsTraced);
  BOOST_TEST((flux::set_trace(note) == nullptr));
  BOOST_TEST((flux::set_trace(nullptr) == note));
  how_many = 0;
  struct Tag;
  run_thread([] { give<Tag>(take<Tag>(5000)); });
  BOOST_TEST(how_many == 0u);
}

BOOST_AUTO_TEST_CASE(a_first_object_opens_a_region_and_fills_a_bin) {
  struct Tag;
  run_thread([] {
    Listening listening;
    const Objects objects = take<Tag>(1);
    const std::vector<Trace> events = heard();
    BOOST_REQUIRE(events.size() == 2u);
    BOOST_TEST((events[0].event == TraceEvent::kOpenRegion));
    BOOST_TEST(events[0].heap == my_heap<Tag>());
    BOOST_TEST(events[0].count == kRegionBytes);
    BOOST_TEST(events[0].object_size == 0u);
    BOOST_TEST((events[1].event == TraceEvent::kRefill));
    BOOST_TEST(events[1].heap == my_heap<Tag>());
    BOOST_TEST(events[1].object_size == stride_of(kClass));
    BOOST_TEST(events[1].count == in_bin<Tag>() + 1);
    give<Tag>(objects);
    BOOST_TEST(heard().size() == 2u);  // what the fast paths do is no event
  });
}

BOOST_AUTO_TEST_CASE(refills_and_spills_account_for_every_object) {
  struct Tag;
  run_thread([] {
    Random random;
    Listening listening;
    for (const unsigned c : {0u, 7u, 60u}) {
      how_many = 0;
      Objects objects;
      for (int round = 0; round != 30; ++round) {
        append(objects, take<Tag>(random.below(2000), c));
        give<Tag>(split(objects, random.below(objects.size() + 1)), c);
        const Sum refills = sum_of(TraceEvent::kRefill), spills = sum_of(TraceEvent::kSpill);
        BOOST_TEST(refills.count - spills.count == objects.size() + in_bin<Tag>(c));
      }
      give<Tag>(objects, c);
      BOOST_TEST(sum_of(TraceEvent::kSpill).events > 0u);
      for (const Trace& trace : heard())
        if (trace.event == TraceEvent::kRefill || trace.event == TraceEvent::kSpill)
          BOOST_TEST(trace.object_size == stride_of(c));
    }
  });
}

BOOST_AUTO_TEST_CASE(objects_freed_elsewhere_are_posted_and_collected_once_each) {
  struct Tag;
  run_thread([] {
    Objects small = take<Tag>(1500), large = take<Tag>(100, 60);
    const void* const mine = my_heap<Tag>();
    Listening listening;
    run_thread([&] {
      give<Tag>(small);
      give<Tag>(large, 60);
    });
    const Sum posts = sum_of(TraceEvent::kPost);
    BOOST_TEST(posts.count == 1600u);
    BOOST_TEST(posts.events == statistics_of<Tag>().chains_posted);
    BOOST_TEST(sum_of(TraceEvent::kPost, mine).count == 1600u);  // whose they are, not who posts
    flux::trim();
    BOOST_TEST(sum_of(TraceEvent::kCollect).count == 1600u);
    BOOST_TEST(sum_of(TraceEvent::kCollect, mine).count == 1600u);
  });
}

BOOST_AUTO_TEST_CASE(a_trim_says_what_each_heap_gave_back) {
  struct Tag;
  run_thread([] {
    give<Tag>(take<Tag>(200'000));
    Listening listening;
    const std::size_t bytes = flux::trim();
    BOOST_TEST(bytes > 0u);
    BOOST_TEST(sum_of(TraceEvent::kTrim).count == bytes);
    BOOST_TEST(sum_of(TraceEvent::kTrim, my_heap<Tag>()).events == 1u);
    BOOST_TEST(sum_of(TraceEvent::kTrim, my_heap<Tag>()).count > 0u);
  });
}

BOOST_AUTO_TEST_CASE(a_trim_that_gives_nothing_back_is_no_event) {
  struct Tag;
  run_thread([] {
    give<Tag>(take<Tag>(200'000));
    flux::reserve<Tag>(64, 1000);
    run_thread([] {  // the heap is another thread's, which has reserved memory: it is left alone
      flux::trim();
      Listening listening;
      BOOST_TEST(flux::trim() == 0u);
      BOOST_TEST(sum_of(TraceEvent::kTrim).events == 0u);
    });
    flux::trim();
    flux::Heap heap;
    Listening listening;
    BOOST_TEST(heap.trim() == 0u);
    BOOST_TEST(flux::trim() == 0u);
    BOOST_TEST(sum_of(TraceEvent::kTrim).events == 0u);
  });
}

BOOST_AUTO_TEST_CASE(a_region_is_opened_when_the_last_one_is_full) {
  struct Tag;
  run_thread([] {
    Listening listening;
    const Objects objects = take<Tag>(3 * kRegionBytes / stride_of(60), 60);
    const Sum opened = sum_of(TraceEvent::kOpenRegion, my_heap<Tag>());
    const std::size_t committed = statistics_of<Tag>().bytes_committed;
    BOOST_TEST(opened.events == (committed + kRegionBytes - 1) / kRegionBytes);
    BOOST_TEST(opened.count == opened.events * kRegionBytes);
    BOOST_TEST(sum_of(TraceEvent::kCloseRegion).events == 0u);
    give<Tag>(objects, 60);
  });
}

BOOST_AUTO_TEST_CASE(a_heap_instance_tells_of_its_regions_and_objects_as_well) {
  Listening listening;
  std::size_t live = 0;
  {
    flux::Heap heap;
    std::vector<void*> objects;
    for (; live != 600'000; ++live) objects.push_back(heap.allocate(64));
    for (; live != 100'000; objects.pop_back(), --live) heap.deallocate(objects.back(), 64);
    const Sum refills = sum_of(TraceEvent::kRefill), spills = sum_of(TraceEvent::kSpill);
    BOOST_TEST(refills.count - spills.count >= live);
    BOOST_TEST(spills.events > 0u);
    BOOST_TEST(sum_of(TraceEvent::kOpenRegion).events > 1u);
    const std::size_t bytes = heap.trim();
    BOOST_TEST(sum_of(TraceEvent::kTrim).count == bytes);
    BOOST_TEST(sum_of(TraceEvent::kCloseRegion).events == 0u);
  }
  std::set<const void*> heaps;
  for (const Trace& trace : heard()) heaps.insert(trace.heap);
  BOOST_TEST(heaps.size() == 1u);
  BOOST_TEST(sum_of(TraceEvent::kCloseRegion).count == sum_of(TraceEvent::kOpenRegion).count);
}

BOOST_AUTO_TEST_CASE(a_refill_that_finds_no_memory_says_so) {
  flux::Heap heap(std::size_t{256} << 10);
  Listening listening;
  std::size_t count = 0;
  BOOST_CHECK_THROW(for (;; ++count) static_cast<void>(heap.allocate(1024)), std::bad_alloc);
  const std::vector<Trace> events = heard();
  const auto is_empty = [](const Trace& trace) {
    return trace.event == TraceEvent::kRefill && trace.count == 0;
  };
  BOOST_TEST(std::ranges::any_of(events, is_empty));
  BOOST_TEST(sum_of(TraceEvent::kRefill).count == count);
}

BOOST_AUTO_TEST_CASE(threads_at_work_lose_no_event) {
  struct Tag;
  Listening listening;
  std::array<std::size_t, 3> left{};
  run_threads(left.size(), [&left](std::size_t index) {
    Random random(index + 1);
    Objects objects;
    for (int round = 0; round != 50; ++round) {
      append(objects, take<Tag>(random.below(3000) + 1));
      give<Tag>(split(objects, random.below(objects.size() + 1)));
    }
    left[index] = objects.size() + in_bin<Tag>();
    give<Tag>(objects);
  });
  std::size_t all = 0;
  for (const std::size_t count : left) all += count;
  // What was given last went to bins and slabs; nothing was sent from thread to thread.
  BOOST_TEST(sum_of(TraceEvent::kRefill).count >= all);
  BOOST_TEST(sum_of(TraceEvent::kPost).events == 0u);
  std::set<const void*> heaps;
  for (const Trace& trace : heard()) heaps.insert(trace.heap);
  BOOST_TEST(heaps.size() <= left.size());
}

BOOST_AUTO_TEST_SUITE_END()
