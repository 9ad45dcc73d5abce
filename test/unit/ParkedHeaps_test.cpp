// Parked heaps are adopted last in, first out, each by one thread at a time.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/detail/heap/ParkedHeaps.hpp>
#include <map>
#include <set>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(parked_heaps_of_a_domain)

namespace {

using namespace flux::test;
using namespace flux::detail;
using Heaps = std::vector<ThreadHeap*>;

// A domain's parked heaps, and heaps that are parked nowhere else.
struct OwnParkedHeaps {
  explicit OwnParkedHeaps(std::size_t count) {
    for (std::size_t i = 0; i != count; ++i) heaps.push_back(ThreadHeap::create(domain_info<>));
  }

  FailingPageSource pages{kSingleRegions};
  Heaps heaps;
  ParkedHeaps parked;
};

std::uint64_t head_of(const ParkedHeaps& parked) {
  std::uint64_t head = 0;  // its only member
  static_assert(sizeof parked == sizeof head);
  std::memcpy(&head, &parked, sizeof head);
  return head;
}

}  // namespace

BOOST_AUTO_TEST_CASE(where_none_is_parked_none_is_adopted) {
  ParkedHeaps parked;
  BOOST_TEST(parked.adopt() == nullptr);
  BOOST_TEST(parked.adopt() == nullptr);
}

BOOST_AUTO_TEST_CASE(the_heap_that_was_parked_last_is_adopted_first) {
  OwnParkedHeaps own(5);
  park_all(own.heaps, own.parked);
  BOOST_TEST((adopt_all(own.parked) == own.heaps));
  BOOST_TEST(own.parked.adopt() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_heap_can_be_parked_and_adopted_again_and_again) {
  OwnParkedHeaps own(2);
  own.parked.park(own.heaps[0]);
  for (int round = 0; round != 100; ++round) {
    own.parked.park(own.heaps[1]);
    BOOST_TEST(own.parked.adopt() == own.heaps[1]);
  }
  BOOST_TEST((adopt_all(own.parked) == Heaps{own.heaps[0]}));
}

BOOST_AUTO_TEST_CASE(a_heap_that_went_and_came_back_is_told_from_one_that_stayed) {
  OwnParkedHeaps own(2);
  own.parked.park(own.heaps[0]);
  std::set<std::uint64_t> heads{head_of(own.parked)};
  for (int round = 1; round != 100; ++round) {
    own.parked.park(own.heaps[1]);
    own.parked.adopt();
    own.parked.adopt();
    own.parked.park(own.heaps[0]);
    BOOST_TEST(heads.insert(head_of(own.parked)).second);
  }
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_being_worked_on_is_not_adopted_and_stays_parked) {
  static ParkedHeaps* parked;
  static decltype(page_source.discard) discard;
  static int looks, adopted;
  constexpr unsigned kClass = 5;
  OwnParkedHeaps own(1);
  parked = &own.parked;
  discard = page_source.discard;
  looks = adopted = 0;
  own.heaps[0]->push(own.heaps[0]->pop(kClass), kClass);
  own.parked.park(own.heaps[0]);
  page_source.discard = [](std::byte* begin, std::size_t bytes) noexcept {  // in the middle of a trim
    ++looks;
    adopted += parked->adopt() != nullptr;
    discard(begin, bytes);
  };
  own.heaps[0]->trim(false);
  page_source.discard = discard;
  BOOST_TEST(looks > 0);
  BOOST_TEST(adopted == 0);
  BOOST_TEST((adopt_all(own.parked) == own.heaps));
}

BOOST_AUTO_TEST_CASE(threads_that_park_and_adopt_at_once_never_share_a_heap_and_lose_none) {
  constexpr std::size_t kThreads = 8;
  OwnParkedHeaps own(kThreads / 2);
  std::map<ThreadHeap*, std::atomic<bool>> is_owned;
  for (ThreadHeap* heap : own.heaps) is_owned[heap] = false;
  park_all(own.heaps, own.parked);
  std::atomic<std::size_t> shared{0}, adopted{0};
  run_threads(kThreads, [&](std::size_t index) {
    Heaps held;
    for (std::size_t round = 0; round != scaled(200'000); ++round) {
      if (held.size() <= index % 3) {
        ThreadHeap* const heap = own.parked.adopt();
        if (heap == nullptr) continue;
        shared += is_owned.at(heap).exchange(true);
        ++adopted;
        held.push_back(heap);
      } else {
        is_owned.at(held.back()) = false;
        own.parked.park(held.back());
        held.pop_back();
      }
    }
    for (ThreadHeap* heap : held) {
      is_owned.at(heap) = false;
      own.parked.park(heap);
    }
  });
  Heaps left = adopt_all(own.parked);
  std::ranges::sort(left);
  std::ranges::sort(own.heaps);
  BOOST_TEST((left == own.heaps));
  BOOST_TEST(shared == 0u);
  BOOST_TEST(adopted > 0u);
}

BOOST_AUTO_TEST_CASE(what_the_last_owner_did_is_seen_by_the_next) {
  OwnParkedHeaps own(2);
  std::map<ThreadHeap*, std::size_t> visits;  // of each heap, written by its owner only
  for (ThreadHeap* heap : own.heaps) visits[heap] = 0;
  park_all(own.heaps, own.parked);
  std::atomic<std::size_t> adopted{0};
  run_threads(4, [&](std::size_t) {
    for (std::size_t round = 0; round != scaled(200'000); ++round)
      if (ThreadHeap* const heap = own.parked.adopt()) {
        ++visits.at(heap);
        ++adopted;
        own.parked.park(heap);
      }
  });
  BOOST_TEST(visits[own.heaps[0]] + visits[own.heaps[1]] == adopted);
}

BOOST_AUTO_TEST_SUITE_END()
