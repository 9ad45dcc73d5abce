// Objects whose owner thread has ended, or ends just now, are freed by anyone.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <thread>
#include <vector>

#include "support/Objects.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(ended_owner)

namespace {

using namespace flux::test;

constexpr std::size_t kObjects = 5000;

Holdings made_by_ended_thread(std::uint64_t stream, std::size_t count = kObjects) {
  Holdings holdings;
  run_thread([&] {
    Random random(stream);
    holdings = hold_mixed(count, random);
  });
  return holdings;
}

// Threads that each free a share, while new ones start, adopt what the owner left, and allocate from it.
std::size_t free_and_adopt_at_once(const Holdings& holdings, std::size_t threads, std::uint64_t stream) {
  std::atomic<std::size_t> damaged{0};
  run_threads(2 * threads, [&](std::size_t index) {
    Random random(stream + index);
    if (index < threads)
      damaged += check_and_free(share_of(holdings, index, threads));
    else
      damaged += check_and_free(hold_mixed(kObjects / 10, random));
  });
  return damaged;
}

// The owner hands its objects out and ends while they are freed.
std::size_t free_while_the_owner_ends(std::uint64_t stream) {
  std::atomic<const Holdings*> made{nullptr};
  std::atomic<std::size_t> damaged{0};
  Holdings holdings;
  run_threads(4, [&](std::size_t index) {
    if (index == 0) {
      Random random(stream);
      holdings = hold_mixed(kObjects / 5, random);
      made.store(&holdings, std::memory_order_release);
      return;
    }
    while (made.load(std::memory_order_acquire) == nullptr) std::this_thread::yield();
    damaged += check_and_free(share_of(holdings, index - 1, 3));
  });
  return damaged;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_main_thread_frees_in_every_order) {
  Random random;
  for (const Order order : kOrders) {
    Holdings holdings = made_by_ended_thread(1);
    arrange(holdings, order, random);
    BOOST_TEST(check_and_free(holdings) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_thread_that_never_allocated_frees) {
  std::size_t damaged = 0;
  for (std::uint64_t round = 0; round < scaled(500); ++round) {
    const Holdings holdings = made_by_ended_thread(round, 1000);
    run_thread([&] { damaged += check_and_free(holdings); });
  }
  BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_CASE(a_thread_that_may_have_adopted_the_heap_frees) {
  std::size_t damaged = 0;
  for (std::uint64_t round = 0; round < scaled(500); ++round) {
    const Holdings holdings = made_by_ended_thread(round, 1000);
    run_thread([&] {
      Random random(round + 1);
      damaged += check_and_free(hold_mixed(1000, random));
      damaged += check_and_free(holdings);
      damaged += check_and_free(hold_mixed(1000, random));
    });
  }
  BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_CASE(many_threads_free_while_others_adopt) {
  std::size_t damaged = 0;
  for (std::uint64_t round = 0; round < scaled(300); ++round)
    damaged += free_and_adopt_at_once(made_by_ended_thread(round), 4, 1000 * (round + 1));
  BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_CASE(objects_are_freed_while_their_owner_ends) {
  std::size_t damaged = 0;
  for (std::uint64_t round = 0; round < scaled(3000); ++round) damaged += free_while_the_owner_ends(round);
  BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_CASE(objects_of_many_ended_threads_are_freed_by_one) {
  Holdings all;
  Random random;
  for (std::uint64_t owner = 0; owner < 50; ++owner) {
    const Holdings made = made_by_ended_thread(owner, 500);
    all.insert(all.end(), made.begin(), made.end());
  }
  arrange(all, Order::kRandom, random);
  BOOST_TEST(check_and_free(all) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
