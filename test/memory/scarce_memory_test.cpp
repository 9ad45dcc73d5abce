// More than fits: an allocation works or throws std::bad_alloc, and all goes on when memory is back.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <fstream>
#include <list>
#include <new>
#include <thread>
#include <vector>

#include "support/FailingPageSource.hpp"
#include "support/InChild.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(scarce_memory)

namespace {

using namespace flux::test;

template <std::size_t Words>
struct Element {
  std::size_t words[Words];
};
template <std::size_t Words>
using List = std::list<Element<Words>, flux::Allocator<Element<Words>>>;

/// Numbers elements until there are `count` or memory is out; whether there are.
template <std::size_t Words>
bool grow_to(List<Words>& list, std::size_t count) {
  try {
    while (list.size() != count) {
      list.emplace_back();
      list.back().words[0] = list.back().words[Words - 1] = list.size();
    }
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

template <std::size_t Words>
bool is_intact(const List<Words>& list) {
  std::size_t expected = 0;
  for (const Element<Words>& element : list) {
    if (++expected != element.words[0] || element.words[Words - 1] != expected) return false;
  }
  return expected == list.size();
}

/// A limit of this process that may be set and lifted again.
class Limit {
 public:
  explicit Limit(int resource) : resource_(resource) { ::getrlimit(as_kind(), &before_); }
  ~Limit() { ::setrlimit(as_kind(), &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

  void set(std::size_t bytes) {
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(as_kind(), &limit);
  }

 private:
  __rlimit_resource as_kind() const { return static_cast<__rlimit_resource>(resource_); }

  int resource_;
  rlimit before_{};
};

/// What the process has of what a limit counts, bytes: its address space, or what of it may be written.
std::size_t used_of(int resource) {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0, other = 0, data = 0;
  file >> all >> other >> other >> other >> other >> data;
  return (resource == RLIMIT_AS ? all : data) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct Scarcity {
  bool is_refused = false;        // one of the lists, at least
  bool is_intact = true;          // what was refused and what was not
  bool is_granted_again = false;  // as much as before, after it was freed, still under the limit
  bool is_granted_later = false;  // all, when memory is back
};

// Grows lists of small, large and largest nodes together, under a limit so far above what the process has.
Scarcity live_under(int resource, std::size_t headroom) {
  return in_child([=] {
    constexpr std::size_t kSmall = 200'000, kLarge = 20'000, kLargest = 500;
    Scarcity scarcity;
    List<1> small;
    List<60> large;
    List<4000> largest;
    const auto grow = [&](std::size_t a, std::size_t b, std::size_t c) {
      const bool is_small_done = grow_to(small, a), is_large_done = grow_to(large, b);
      const bool is_done = grow_to(largest, c) && is_large_done && is_small_done;
      scarcity.is_intact = scarcity.is_intact && is_intact(small) && is_intact(large) && is_intact(largest);
      return is_done;
    };
    {
      Limit limit(resource);
      limit.set(used_of(resource) + headroom);
      scarcity.is_refused = !grow(kSmall, kLarge, kLargest);
      const std::size_t granted[] = {small.size(), large.size(), largest.size()};
      small.clear(), large.clear(), largest.clear();
      scarcity.is_granted_again = grow(granted[0], granted[1], granted[2]);
    }
    scarcity.is_granted_later = grow(kSmall, kLarge, kLargest);
    return scarcity;
  });
}

void expect_refusals_and_no_crash(int resource) {
  std::size_t refused = 0, granted = 0;
  for (std::size_t headroom = 0; headroom <= 240 * kMiB; headroom += 5 * kMiB + 300 * kKiB) {
    const Scarcity scarcity = live_under(resource, headroom);
    ++(scarcity.is_refused ? refused : granted);
    BOOST_TEST(scarcity.is_intact);
    BOOST_TEST(scarcity.is_granted_again, "refused again with " << headroom / kMiB << " MiB to spare");
    BOOST_TEST(scarcity.is_granted_later);
  }
  BOOST_TEST_MESSAGE(refused << " of " << refused + granted << " limits were too low");
  BOOST_TEST(refused >= 5u);
  BOOST_TEST(granted >= 5u);
}

struct Crowd {
  std::size_t served = 0;  // threads whose list grew at once
  std::size_t later = 0;   // others, whose list grew when the former had ended
  bool is_intact = true;
};

// `count` threads each grow a list, all alive at once; those that are refused try again when the others
// ended. `make_scarce()` is called when all run.
template <class MakeScarce>
Crowd crowd_of(std::size_t count, MakeScarce make_scarce) {
  std::atomic<std::size_t> served{0}, later{0}, damaged{0}, ended{0};
  std::barrier all(static_cast<std::ptrdiff_t>(count), make_scarce);
  std::barrier have_tried(static_cast<std::ptrdiff_t>(count));
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i != count; ++i) {
    threads.emplace_back([&] {
      all.arrive_and_wait();
      List<1> list;
      const bool is_served = grow_to(list, 100);
      if (is_served) ++served;
      have_tried.arrive_and_wait();
      if (!is_served) {
        while (ended == 0) std::this_thread::yield();
        for (int tries = 100'000; tries != 0 && list.size() != 100; --tries) {
          if (grow_to(list, 100)) ++later;
          std::this_thread::yield();
        }
      }
      damaged += is_intact(list) ? 0 : 1;
      list.clear();
      ++ended;
    });
  }
  threads.clear();
  return {served, later, damaged == 0};
}

void expect_all_served_in_the_end(const Crowd& crowd, std::size_t count) {
  BOOST_TEST_MESSAGE(crowd.served << " threads served at once, " << crowd.later << " later");
  BOOST_TEST(crowd.served > 0u);
  BOOST_TEST(crowd.later > 0u);
  BOOST_TEST(crowd.served + crowd.later == count);
  BOOST_TEST(crowd.is_intact);
}

// Grows a list over several regions, frees it and grows it again, in threads one after another.
struct Growth {
  bool is_intact = true;
  std::size_t pieces = 0;
};

Growth grow_over_regions(std::size_t address_limit) {
  return in_child([=] {
    auto* const pages = new FailingPageSource(address_limit);  // the heaps stay in it to the end
    Growth growth;
    for (int round = 0; round != 3; ++round) {
      run_thread([&] {
        List<60> list;
        growth.is_intact = growth.is_intact && grow_to(list, 250'000) && is_intact(list);  // four regions
        List<4000> largest;
        growth.is_intact = growth.is_intact && grow_to(largest, 1500) && is_intact(largest);  // two more
      });
    }
    growth.pieces = pages->pieces();
    return growth;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(lists_grow_over_several_regions_and_several_pieces) {
  for (const std::size_t limit : {kLargePieces, kModestPieces, kSingleRegions}) {
    const Growth growth = grow_over_regions(limit);
    BOOST_TEST(growth.is_intact);
    BOOST_TEST(growth.pieces <= 7u);
    BOOST_TEST((growth.pieces >= 5) == (limit == kSingleRegions));
  }
}

BOOST_AUTO_TEST_CASE(under_any_limit_on_address_space_lists_grow_or_throw) {
  if (!is_instrumented()) expect_refusals_and_no_crash(RLIMIT_AS);
}

BOOST_AUTO_TEST_CASE(under_any_limit_on_data_lists_grow_or_throw) {
  if (!is_instrumented()) expect_refusals_and_no_crash(RLIMIT_DATA);
}

BOOST_AUTO_TEST_CASE(more_threads_than_regions_fit_are_served_one_after_another) {
  constexpr std::size_t kThreads = 64;
  expect_all_served_in_the_end(in_child([] {
                                 auto* const pages = new FailingPageSource(kSingleRegions);
                                 return crowd_of(kThreads, [pages]() noexcept { pages->fail_from(21); });
                               }),
                               kThreads);
}

BOOST_AUTO_TEST_CASE(more_threads_than_address_space_fits_are_served_one_after_another) {
  if (is_instrumented()) return;
  constexpr std::size_t kThreads = 64;
  expect_all_served_in_the_end(
      in_child([] {
        ::mallopt(M_ARENA_MAX, 1);  // arenas would take the address space
        Limit limit(RLIMIT_AS);
        return crowd_of(kThreads, [&limit]() noexcept { limit.set(used_of(RLIMIT_AS) + 400 * kMiB); });
      }),
      kThreads);
}

BOOST_AUTO_TEST_SUITE_END()
