// The directory of blocks: who owns which number, and with which generation a number comes back.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/handle/BlockDirectory.hpp>
#include <utility>
#include <vector>

#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(directory_of_blocks)

namespace {

using namespace flux::test;
using namespace flux::detail;

constinit BlockDirectory directory{};  // 16 MiB: not on a stack
constinit BlockDirectory untouched{}, exhausted{};

constexpr std::uint64_t kAllGenerations = kLastGeneration + 1;

alignas(64) unsigned char some_block[64];
auto* const kBlock = reinterpret_cast<SlotBlock*>(some_block);
const int one_pool = 0, other_pool = 0;

}  // namespace

BOOST_AUTO_TEST_CASE(a_number_that_was_never_taken_begins_with_generation_1) {
  const auto [number, generation] = untouched.take();
  BOOST_TEST(number == 1u);
  BOOST_TEST(generation == 1u);
}

BOOST_AUTO_TEST_CASE(a_number_comes_back_with_the_generation_it_was_closed_with) {
  const std::uint32_t number = directory.take().number;
  directory.open(number, &one_pool, kBlock);
  directory.close(number, 77);
  const auto again = directory.take();
  BOOST_TEST(again.number == number);
  BOOST_TEST(again.generation == 77u);
  directory.put(number, 77);
}

BOOST_AUTO_TEST_CASE(only_the_owner_finds_a_block_and_only_while_it_is_open) {
  const std::uint32_t number = directory.take().number;
  const std::uint32_t index = number << kSlotBits | 5;
  BOOST_TEST(directory.find(index, &one_pool) == nullptr);
  directory.open(number, &one_pool, kBlock);
  BOOST_TEST(directory.find(index, &one_pool) == kBlock);
  BOOST_TEST(directory.find(index, &other_pool) == nullptr);
  BOOST_TEST(directory.find(index + kMostSlots, &one_pool) == nullptr);
  directory.close(number, 2);
  BOOST_TEST(directory.find(index, &one_pool) == nullptr);
}

BOOST_AUTO_TEST_CASE(no_index_leads_outside_the_directory) {
  for (const std::uint32_t index : {0u, 1u, kNoSlot, kNoSlot - 1, kNoSlot - kMostSlots})
    BOOST_TEST(directory.find(index, &one_pool) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_number_with_fewer_than_two_to_the_32_generations_left_is_retired) {
  const std::uint32_t number = directory.take().number;
  directory.close(number, kAllGenerations - BlockDirectory::kLeastGenerations);
  const auto again = directory.take();
  BOOST_TEST(again.number == number);
  directory.close(number, kAllGenerations - BlockDirectory::kLeastGenerations + 1);
  const std::uint32_t other = directory.take().number;
  directory.close(other, kAllGenerations);
  for (int i = 0; i != 100; ++i) {
    const std::uint32_t next = directory.take().number;
    BOOST_TEST(next != number);
    BOOST_TEST(next != other);
  }
}

BOOST_AUTO_TEST_CASE(numbers_run_out_and_come_back) {
  std::vector<bool> is_taken(BlockDirectory::kNumbers + 2);
  std::size_t doubled = 0;
  for (std::uint32_t i = 0; i != BlockDirectory::kNumbers; ++i) {
    const std::uint32_t number = exhausted.take().number;
    if (is_taken[number]) ++doubled;
    is_taken[number] = true;
  }
  BOOST_TEST(doubled == 0u);
  BOOST_TEST(!is_taken[0]);
  BOOST_TEST(!is_taken[block_of(kNoSlot)]);
  BOOST_TEST(exhausted.take().number == 0u);
  exhausted.put(12'345, 6);
  BOOST_TEST(exhausted.take().number == 12'345u);
  BOOST_TEST(exhausted.take().number == 0u);
}

BOOST_AUTO_TEST_CASE(threads_that_take_and_put_at_once_never_hold_the_same_number) {
  std::vector<std::uint32_t> holders(BlockDirectory::kNumbers + 2);  // plain, as what a number stands for
  std::atomic<std::size_t> doubled{0};
  run_threads(4, [&](std::size_t index) {
    const auto me = static_cast<std::uint32_t>(index + 1);
    std::vector<std::uint32_t> mine;
    for (std::size_t round = 0; round != scaled(50'000); ++round) {
      mine.push_back(directory.take().number);
      if (std::exchange(holders[mine.back()], me) != 0) ++doubled;
      if (mine.size() < 3) continue;
      for (const std::uint32_t number : mine) {
        if (std::exchange(holders[number], 0) != me) ++doubled;
        directory.put(number, 1);
      }
      mine.clear();
    }
  });
  BOOST_TEST(doubled == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
