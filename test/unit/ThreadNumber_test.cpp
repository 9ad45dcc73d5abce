// Numbers of threads: small, each held by one thread at a time, and handed on when it ends.
#include <algorithm>
#include <array>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/LocalThread.hpp>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(thread_numbers_of_threads)

namespace {

using namespace flux::test;
using namespace flux::detail;

std::uint32_t number_of_this_thread() {
  local_thread.take_number();
  return thread_number;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_lowest_number_that_nobody_holds_comes_first) {
  ThreadNumbers numbers;
  for (std::uint32_t i = 0; i != 10; ++i) BOOST_TEST(numbers.take() == i);
  numbers.give_back(7);
  numbers.give_back(3);
  BOOST_TEST(numbers.take() == 3u);
  BOOST_TEST(numbers.take() == 7u);
  BOOST_TEST(numbers.take() == 10u);
}

BOOST_AUTO_TEST_CASE(when_all_are_held_there_is_none_until_one_comes_back) {
  ThreadNumbers numbers;
  for (std::uint32_t i = 0; i != kNoThreadNumber; ++i) BOOST_TEST(numbers.take() == i);
  BOOST_TEST(numbers.take() == kNoThreadNumber);
  numbers.give_back(kNoThreadNumber - 1);
  BOOST_TEST(numbers.take() == kNoThreadNumber - 1);
  BOOST_TEST(numbers.take() == kNoThreadNumber);
}

BOOST_AUTO_TEST_CASE(a_thread_has_one_number_until_it_ends_and_the_next_thread_gets_it) {
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i != 5; ++i) {
    run_thread([&] {
      numbers.push_back(thread_number);
      numbers.push_back(number_of_this_thread());
      numbers.push_back(number_of_this_thread());
    });
  }
  for (std::size_t i = 0; i != numbers.size(); i += 3) {
    BOOST_TEST(numbers[i] == kNoThreadNumber);
    BOOST_TEST(numbers[i + 1] < kNoThreadNumber);
    BOOST_TEST(numbers[i + 1] == numbers[1]);
    BOOST_TEST(numbers[i + 2] == numbers[1]);
  }
}

BOOST_AUTO_TEST_CASE(threads_that_are_alive_at_once_have_different_numbers_and_some_beyond_64_none) {
  constexpr std::size_t kThreads = 80;
  std::vector<std::uint32_t> numbers(kThreads);
  std::barrier all_have_one(static_cast<std::ptrdiff_t>(kThreads));
  run_threads(kThreads, [&](std::size_t index) {
    numbers[index] = number_of_this_thread();
    all_have_one.arrive_and_wait();
  });
  std::ranges::sort(numbers);
  const auto none = std::ranges::lower_bound(numbers, kNoThreadNumber);
  BOOST_TEST((none != numbers.end()));
  BOOST_TEST((none - numbers.begin() >= 60));  // other threads of the process may have some
  BOOST_TEST((std::adjacent_find(numbers.begin(), none) == none));
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_ended_has_none_and_takes_none) {
  std::uint32_t before = kNoThreadNumber, after = 0;
  bool takes_one = true;
  run_thread([&] {
    at_thread_end([&] {
      after = thread_number;
      takes_one = local_thread.take_number();
    });
    before = number_of_this_thread();
  });
  BOOST_TEST(before < kNoThreadNumber);
  BOOST_TEST(after == kNoThreadNumber);
  BOOST_TEST(!takes_one);
}

BOOST_AUTO_TEST_CASE(what_belongs_to_a_number_is_handed_on_with_it) {
  constexpr std::size_t kThreads = 4;
  const std::size_t rounds = scaled(5'000);
  ThreadNumbers numbers;
  std::array<std::size_t, kNoThreadNumber>
      counts{};  // plain: the thread sanitizer sees what is not handed on
  run_threads(kThreads, [&](std::size_t) {
    for (std::size_t round = 0; round != rounds; ++round) {
      const std::uint32_t number = numbers.take();
      ++counts[number];
      numbers.give_back(number);
    }
  });
  std::size_t sum = 0;
  for (const std::size_t count : counts) sum += count;
  BOOST_TEST(sum == kThreads * rounds);
}

BOOST_AUTO_TEST_SUITE_END()
