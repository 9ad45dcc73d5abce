// Blocks from operator new that can all be given back at once.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/LargeBlocks.hpp>
#include <limits>
#include <numeric>
#include <vector>

#include "support/Pattern.hpp"
#include "support/Random.hpp"

BOOST_AUTO_TEST_SUITE(large_blocks)

namespace {

using namespace flux::test;
using flux::detail::LargeBlocks;

constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max();

struct Held {
  void* p;
  std::size_t bytes;
  std::size_t alignment;
};

Held hold(LargeBlocks& blocks, std::size_t bytes, std::size_t alignment) {
  void* const p = blocks.allocate(bytes, alignment);
  write_mark(p, bytes, bytes);
  return {p, bytes, alignment};
}

bool is_intact(const Held& held) {
  return is_aligned(held.p, held.alignment) && has_mark(held.p, held.bytes, held.bytes);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_block_is_aligned_whole_and_freed_with_the_bytes_it_took) {
  LargeBlocks blocks;
  for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2)
    for (const std::size_t bytes : {0u, 1u, 100u, 40'000u, 1'000'000u}) {
      const Held held = hold(blocks, bytes, alignment);
      BOOST_TEST(is_intact(held));
      BOOST_TEST(blocks.is_valid());
      BOOST_TEST(blocks.deallocate(held.p) == LargeBlocks::block_bytes(bytes, alignment));
    }
  BOOST_TEST(blocks.is_valid());
}

BOOST_AUTO_TEST_CASE(a_block_takes_its_links_and_what_its_alignment_costs) {
  BOOST_TEST(LargeBlocks::block_bytes(40'000, 16) == 40'048u);
  BOOST_TEST(LargeBlocks::block_bytes(40'000, 1) == 40'048u);
  BOOST_TEST(LargeBlocks::block_bytes(40'000, 4096) == 44'096u);
}

BOOST_AUTO_TEST_CASE(what_no_memory_could_hold_takes_SIZE_MAX_at_any_alignment) {
  BOOST_TEST(LargeBlocks::block_bytes(kMost - 48, 16) == kMost);
  for (std::size_t alignment = 1; alignment != 0; alignment *= 2)
    for (const std::size_t bytes : {kMost - 47, kMost, kMost + 1, SIZE_MAX - 48, SIZE_MAX - 1, SIZE_MAX})
      BOOST_TEST(LargeBlocks::block_bytes(bytes, alignment) == SIZE_MAX);
  for (const std::size_t bytes : {0u, 1u, 100'000u})
    BOOST_TEST(LargeBlocks::block_bytes(bytes, kMost + 1) == SIZE_MAX);
}

BOOST_AUTO_TEST_CASE(blocks_go_in_any_order_or_all_at_once) {
  Random random;
  for (int round = 0; round != 50; ++round) {
    LargeBlocks blocks;
    std::vector<Held> all;
    for (int i = 0; i != 40; ++i)
      all.push_back(hold(blocks, random.below(2'000), std::size_t{1} << random.below(10)));
    std::shuffle(all.begin(), all.end(), random);
    std::size_t damaged = 0;
    for (std::size_t left = random.below(41); all.size() != left; all.pop_back()) {
      damaged += !is_intact(all.back());
      blocks.deallocate(all.back().p);
      BOOST_TEST(blocks.is_valid());
    }
    std::size_t wanted = 0;
    for (const Held& held : all) {
      damaged += !is_intact(held);
      wanted += LargeBlocks::block_bytes(held.bytes, held.alignment);
    }
    std::size_t freed = 0;
    blocks.deallocate_all([&](std::size_t bytes) { freed += bytes; });
    BOOST_TEST(freed == wanted);
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(blocks.is_valid());
    const Held again = hold(blocks, 100, 16);
    BOOST_TEST(is_intact(again));
    blocks.deallocate(again.p);
  }
}

BOOST_AUTO_TEST_SUITE_END()
