// After a peak, memory goes back: what is above the retention limit by itself, the rest when trim is called.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <span>

#include "support/Blocks.hpp"
#include "support/InChild.hpp"
#include "support/PlainOnly.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(peak)

namespace {

using namespace flux::test;

constexpr std::size_t kNodes = 8'000'000;
constexpr std::size_t kSlack = 2 * kMiB;
constexpr std::size_t kLimits[] = {0, 8 * kMiB, 32 * kMiB};

// Resident bytes above those before the peak.
struct Fall {
  std::size_t peak = 0;
  std::size_t fallen = 0;   // when all is freed
  std::size_t later = 0;    // when the thread has gone on a little
  std::size_t trimmed = 0;  // after trim()
};

// What a thread does that goes on: it makes and drops a list ten times.
template <class Element>
void go_on() {
  for (int time = 0; time != 10; ++time) {
    std::list<Element, flux::Allocator<Element>> list(10'000);
    list.clear();
  }
}

// A list, freed in its order.
template <class Element>
Fall fall_of_list(std::size_t limit) {
  return in_child([limit] {
    flux::set_retention_limit(limit);
    const std::size_t start = resident_bytes();
    std::list<Element, flux::Allocator<Element>> list(scaled(kNodes));
    Fall fall;
    fall.peak = growth(start, resident_bytes());
    list.clear();
    fall.fallen = growth(start, resident_bytes());
    go_on<Element>();
    fall.later = growth(start, resident_bytes());
    flux::trim();
    fall.trimmed = growth(start, resident_bytes());
    return fall;
  });
}

// Nodes of such a list, freed in random order.
Fall fall_of_shuffled(std::size_t limit) {
  return in_child([limit] {
    flux::set_retention_limit(limit);
    Random random;
    Objects blocks(scaled(kNodes));
    const std::size_t start = resident_bytes();
    make_blocks<24>(blocks);
    Fall fall;
    fall.peak = growth(start, resident_bytes());
    drop_blocks<24>(draw(blocks, blocks.size(), random));
    fall.fallen = growth(start, resident_bytes());
    go_on<long>();
    fall.later = growth(start, resident_bytes());
    flux::trim();
    fall.trimmed = growth(start, resident_bytes());
    return fall;
  });
}

// The same, by a thread that ends then: `later` is when it has ended.
Fall fall_of_ended_thread(std::size_t limit) {
  return in_child([limit] {
    flux::set_retention_limit(limit);
    Random random;
    Objects blocks(scaled(kNodes / 2));
    const std::size_t start = resident_bytes();
    Fall fall;
    run_thread([&] {
      make_blocks<24>(blocks);
      fall.peak = growth(start, resident_bytes());
      drop_blocks<24>(draw(blocks, blocks.size(), random));
      fall.fallen = growth(start, resident_bytes());
    });
    fall.later = growth(start, resident_bytes());
    flux::trim();
    fall.trimmed = growth(start, resident_bytes());
    return fall;
  });
}

// What trim() leaves after peaks that get smaller by a huge page each: resident bytes above the start.
std::size_t left_by_smaller_peaks(std::size_t first_bytes) {
  return in_child([=] {
    Objects blocks(first_bytes / 64);
    const std::size_t start = resident_bytes();
    for (std::size_t bytes = first_bytes; bytes >= 2 * kMiB; bytes -= 2 * kMiB) {
      const auto peak = std::span(blocks).first(bytes / 64);
      make_blocks<64>(peak);
      drop_blocks<64>(peak);
      flux::trim();
    }
    return growth(start, resident_bytes());
  });
}

void report(const Fall& fall, std::size_t limit) {
  BOOST_TEST_MESSAGE("limit " << limit / kMiB << " MiB: resident " << fall.peak / kKiB << " KiB, freed "
                              << fall.fallen / kKiB << " KiB, later " << fall.later / kKiB << " KiB, trimmed "
                              << fall.trimmed / kKiB << " KiB");
}

template <class Element>
void expect_a_list_to_fall(std::size_t node_bytes) {
  for (const std::size_t limit : kLimits) {
    const Fall fall = fall_of_list<Element>(limit);
    report(fall, limit);
    if (is_instrumented()) continue;
    BOOST_TEST(fall.peak >= kNodes * node_bytes);
    BOOST_TEST(fall.fallen <= limit + kSlack);
    BOOST_TEST(fall.later <= limit + kSlack);
    BOOST_TEST(fall.trimmed <= kSlack);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_list_of_8_M_nodes_falls_to_the_retention_limit_and_trim_gives_back_the_rest,
                     *flux::test::plain_only()) {
  expect_a_list_to_fall<long>(24);
}

BOOST_AUTO_TEST_CASE(a_list_of_8_M_larger_nodes_falls_to_the_retention_limit_and_trim_gives_back_the_rest,
                     *flux::test::plain_only()) {
  expect_a_list_to_fall<Block<48>>(64);
}

// Of nodes freed in random order nearly all slabs become free with the last thousand: with a bounded piece of
// work for each slow call, what is above the limit goes back by what the thread does next.
BOOST_AUTO_TEST_CASE(nodes_freed_in_random_order_go_back_as_the_thread_goes_on, *flux::test::plain_only()) {
  for (const std::size_t limit : {std::size_t{0}, 32 * kMiB}) {
    const Fall fall = fall_of_shuffled(limit);
    report(fall, limit);
    if (is_instrumented()) continue;
    BOOST_TEST(fall.peak >= kNodes * 24);
    BOOST_TEST(fall.fallen < fall.peak);
    BOOST_TEST(fall.later <= limit + kSlack);
    BOOST_TEST(fall.trimmed <= kSlack);
  }
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_goes_back_at_its_end, *flux::test::plain_only()) {
  for (const std::size_t limit : kLimits) {
    const Fall fall = fall_of_ended_thread(limit);
    report(fall, limit);
    if (is_instrumented()) continue;
    BOOST_TEST(fall.peak >= kNodes / 2 * 24);
    BOOST_TEST(fall.later <= limit + kSlack);
    BOOST_TEST(fall.trimmed <= kSlack);
  }
}

BOOST_AUTO_TEST_CASE(peaks_that_get_smaller_leave_nothing_behind_trim) {
  const std::size_t left = left_by_smaller_peaks(scaled(100) * kMiB);
  BOOST_TEST_MESSAGE("smaller and smaller peaks leave " << left / kKiB << " KiB");
  if (!is_instrumented()) BOOST_TEST(left <= kSlack);
}

BOOST_AUTO_TEST_SUITE_END()
