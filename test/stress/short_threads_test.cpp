// Threads that come and go by the thousand leave nothing behind.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <functional>
#include <list>
#include <map>
#include <utility>

#include "support/Memory.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(short_threads)

namespace {

using namespace flux::test;

constexpr std::size_t kResidentGrowth = std::size_t{2} << 20;  // bytes, after the first thousand threads
constexpr std::size_t kAddressSpaceGrowth = std::size_t{512}
                                            << 20;  // far less than a region per thread would take

using List = std::list<long, flux::Allocator<long>>;
using Map = std::map<long, long, std::less<long>, flux::Allocator<std::pair<const long, long>>>;

std::size_t growth(std::size_t before, std::size_t after) { return after > before ? after - before : 0; }

// A tenth of the threads goes first and is not counted: it brings memory to its steady state.
void expect_flat_memory(
    const std::function<void()>& life, const std::function<void()>& afterwards = [] {}) {
  const std::size_t threads = scaled(10'000);
  ProcessMemory settled{};
  for (std::size_t i = 0; i < threads; ++i) {
    if (i == threads / 10) settled = process_memory();
    run_thread(life);
    afterwards();
  }
  if (is_instrumented()) return;
  const ProcessMemory now = process_memory();
  BOOST_TEST(growth(settled.resident_bytes, now.resident_bytes) <= kResidentGrowth);
  BOOST_TEST(growth(settled.address_space_bytes, now.address_space_bytes) <= kAddressSpaceGrowth);
}

}  // namespace

BOOST_AUTO_TEST_CASE(ten_thousand_threads_that_free_what_they_allocate_need_flat_memory) {
  std::size_t elements = 0;
  expect_flat_memory([&] {
    List list;
    Map map;
    for (long i = 0; i < 300; ++i) list.push_back(i), map[i] = i;
    elements += list.size() + map.size();
  });
  BOOST_TEST(elements == 600 * scaled(10'000));
}

BOOST_AUTO_TEST_CASE(ten_thousand_threads_that_free_what_their_predecessors_allocated_need_flat_memory) {
  List left_over;
  expect_flat_memory([&] {
    List own;
    for (long i = 0; i < 300; ++i) own.push_back(i);
    left_over.swap(own);
  });
  BOOST_TEST(left_over.size() == 300u);
}

BOOST_AUTO_TEST_CASE(ten_thousand_threads_that_only_allocate_for_the_main_thread_need_flat_memory) {
  List made;
  expect_flat_memory(
      [&] {
        List own(300);
        made.swap(own);
      },
      [&] { made.clear(); });
  BOOST_TEST(made.empty());
}

BOOST_AUTO_TEST_CASE(ten_thousand_threads_that_only_free_for_the_main_thread_need_flat_memory) {
  List made(300);
  expect_flat_memory([&] { made.clear(); }, [&] { made.resize(300); });
  BOOST_TEST(made.size() == 300u);
}

BOOST_AUTO_TEST_SUITE_END()
