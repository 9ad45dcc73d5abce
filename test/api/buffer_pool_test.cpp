// Buffers of a few sizes: what is asked for, zeroed as was said, back in the pool from any thread, and counted.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/BufferPool.hpp>
#include <flux/Control.hpp>
#include <flux/Statistics.hpp>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/FreshHeaps.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(buffer_pool)

namespace {

using namespace flux::test;

constexpr std::size_t kMiB = std::size_t{1} << 20;

bool is_all(std::span<const std::byte> bytes, std::byte value) {
  return bytes.empty() ||
         (bytes[0] == value && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// All that may be written.
std::span<std::byte> whole(flux::Buffer& buffer) { return {buffer.data(), buffer.capacity()}; }

void fill(flux::Buffer& buffer, std::byte value) {
  std::memset(buffer.data(), std::to_integer<int>(value), buffer.capacity());
}

flux::BufferClassStatistics counts_of(const flux::BufferPool& pool, std::size_t capacity) {
  const flux::BufferPoolStatistics statistics = pool.stats();
  const auto found = std::ranges::find(statistics.classes, capacity, &flux::BufferClassStatistics::capacity);
  BOOST_REQUIRE((found != statistics.classes.end()));
  return *found;
}

std::uint64_t in_use(const flux::BufferPool& pool) {
  const flux::BufferPoolStatistics statistics = pool.stats();
  std::uint64_t sum = statistics.oversized_gets - statistics.oversized_puts;
  for (const flux::BufferClassStatistics& each : statistics.classes) sum += each.in_use;
  return sum;
}

std::string refusal_of(std::vector<std::size_t> classes) {
  try {
    const flux::BufferPool pool({std::move(classes)});
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return "taken";
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  flux::BufferPool pool;
  flux::Buffer packet = pool.get(1500);
  std::memcpy(packet.data(), "header", 6);
  BOOST_TEST(packet.size() == 1500u);
  BOOST_TEST(packet.capacity() == 2048u);
  bool arrived = false;
  std::thread([&arrived, sent = std::move(packet)] { arrived = sent.span()[0] == std::byte{'h'}; }).join();
  BOOST_TEST(arrived);
  BOOST_TEST(pool.stats().classes[10].puts == 1u);
}

BOOST_AUTO_TEST_CASE(buffers_are_moved_and_not_copied) {
  static_assert(std::is_nothrow_move_constructible_v<flux::Buffer>);
  static_assert(std::is_nothrow_move_assignable_v<flux::Buffer>);
  static_assert(!std::is_copy_constructible_v<flux::Buffer> && !std::is_copy_assignable_v<flux::Buffer>);
  flux::BufferPool pool;
  flux::Buffer first = pool.get(10);
  std::byte* const data = first.data();
  flux::Buffer second = std::move(first);
  BOOST_TEST(second.data() == data);
  BOOST_TEST(first.data() == nullptr);
  BOOST_TEST(first.size() + first.capacity() + first.span().size() == 0u);
  second = pool.get(20);
  BOOST_TEST(in_use(pool) == 1u);  // the first went back
  BOOST_TEST(second.size() == 20u);
  flux::Buffer& same = second;
  second = std::move(same);
  BOOST_TEST(second.size() == 20u);
  second = flux::Buffer();
  BOOST_TEST(in_use(pool) == 0u);
}

BOOST_AUTO_TEST_CASE(a_buffer_has_the_smallest_capacity_of_the_classes_that_holds_it) {
  const std::vector<std::vector<std::size_t>> choices{
      flux::BufferPoolOptions::default_classes(), {1},    {3, 5, 6, 7, 8, 9, 1000, 1001, 1002, 1500, 9000},
      {64, 3 * kMiB, 3 * kMiB + 1, 5 * kMiB},     {kMiB}, {kMiB + 1}};
  for (const std::vector<std::size_t>& classes : choices) {
    flux::BufferPool pool({classes, flux::Zeroing::kNone});
    std::vector<std::size_t> sizes{0};
    for (const std::size_t capacity : classes)
      for (const std::size_t size : {capacity - 1, capacity, capacity + 1}) sizes.push_back(size);
    for (const std::size_t size : sizes) {
      const flux::Buffer buffer = pool.get(size);
      const auto holds = std::ranges::lower_bound(classes, size);
      BOOST_TEST(buffer.size() == size);
      BOOST_TEST(buffer.span().size() == size);
      BOOST_TEST(buffer.capacity() == (holds == classes.end() ? size : *holds));
    }
    BOOST_TEST(in_use(pool) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(every_size_finds_its_class) {
  Random random;
  std::vector<std::size_t> classes;
  for (int i = 0; i != 300; ++i) classes.push_back(1 + random.below(random.below(2) == 0 ? 500 : 40'000));
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  flux::BufferPool pool({classes, flux::Zeroing::kNone});
  std::size_t wrong = 0;
  for (std::size_t size = 0; size <= classes.back(); ++size)
    wrong += pool.get(size).capacity() == *std::ranges::lower_bound(classes, size) ? 0 : 1;
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(buffers_are_apart_aligned_and_usable_to_their_last_byte) {
  flux::BufferPool pool({.zeroing = flux::Zeroing::kNone});
  std::vector<flux::Buffer> buffers;
  for (int round = 0; round != 5; ++round)
    for (std::size_t size = 1; size <= kMiB; size *= 2) buffers.push_back(pool.get(size));
  for (std::size_t i = 0; i != buffers.size(); ++i) fill(buffers[i], std::byte(i));
  for (std::size_t i = 0; i != buffers.size(); ++i) {
    BOOST_TEST(is_all(whole(buffers[i]), std::byte(i)));
    const std::size_t alignment = std::min<std::size_t>(64, buffers[i].capacity());
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(buffers[i].data()) % alignment == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_new_buffer_is_zero_to_its_capacity_unless_the_options_say_otherwise) {
  flux::BufferPool pool;
  for (int round = 0; round != 3; ++round) {
    std::vector<flux::Buffer> buffers;
    for (const std::size_t size : {0u, 1u, 7u, 100u, 5000u, 70'000u, 3'000'000u}) {
      for (int i = 0; i != 40; ++i) {
        buffers.push_back(pool.get(size));
        BOOST_TEST(is_all(whole(buffers.back()), std::byte{0}));
        fill(buffers.back(), std::byte{0xA5});
      }
      if (round == 1) buffers.clear();
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_in_a_buffer_is_overwritten_when_it_goes_back_if_the_options_say_so,
                     *flux::test::plain_only()) {
  flux::BufferPool pool({.zeroing = flux::Zeroing::kOnPut});
  flux::BufferPool peeking({.zeroing = flux::Zeroing::kNone});
  for (const std::size_t size : {64u, 1000u, 40'000u}) {
    flux::Buffer secret = pool.get(size);
    fill(secret, std::byte{0xA5});
    const std::byte* const data = secret.data();
    secret = flux::Buffer();
    flux::Buffer found = peeking.get(size);  // pools share their memory
    BOOST_REQUIRE(found.data() == data);
    BOOST_TEST(is_all(whole(found), std::byte{0}));
    fill(found, std::byte{0x5A});
    found = flux::Buffer();
    BOOST_TEST(
        is_all(whole(found = peeking.get(size)), std::byte{0x5A}));  // and the other leaves all as it is
  }
}

BOOST_AUTO_TEST_CASE(gets_puts_hits_misses_and_bytes_are_counted_by_class) {
  run_thread([] {
    flux::BufferPool pool;
    std::vector<flux::Buffer> buffers;
    for (int i = 0; i != 100; ++i) buffers.push_back(pool.get(1024));
    flux::BufferClassStatistics count = counts_of(pool, 1024);
    BOOST_TEST(count.gets == 100u);
    BOOST_TEST(count.puts == 0u);
    BOOST_TEST(count.misses >= 1u);
    BOOST_TEST(count.hits + count.misses == 100u);
    BOOST_TEST(count.in_use == 100u);
    BOOST_TEST(count.bytes == 100u * 1024);
    buffers.resize(10);
    count = counts_of(pool, 1024);
    BOOST_TEST(count.puts == 90u);
    BOOST_TEST(count.in_use == 10u);
    const std::uint64_t misses = count.misses;
    for (int i = 0; i != 50; ++i) buffers.push_back(pool.get(600));
    BOOST_TEST(counts_of(pool, 1024).misses == misses);  // they were at hand
    BOOST_TEST(counts_of(pool, 2048).gets == 0u);
    buffers.clear();
    BOOST_TEST(counts_of(pool, 1024).in_use == 0u);
    BOOST_TEST(counts_of(pool, 1024).bytes == 0u);
  });
}

BOOST_AUTO_TEST_CASE(what_is_larger_than_all_classes_passes_through_and_is_counted) {
  flux::BufferPool pool({{16, 256}});
  {
    const flux::Buffer large = pool.get(257), huge = pool.get(50 * kMiB);
    BOOST_TEST(large.capacity() == 257u);
    BOOST_TEST(huge.size() == 50 * kMiB);
    BOOST_TEST(pool.stats().oversized_gets == 2u);
    BOOST_TEST(pool.stats().oversized_puts == 0u);
  }
  BOOST_TEST(pool.stats().oversized_puts == 2u);
  BOOST_TEST(counts_of(pool, 256).gets == 0u);
}

BOOST_AUTO_TEST_CASE(classes_that_are_empty_zero_twice_or_out_of_order_are_refused_with_the_reason) {
  BOOST_TEST(refusal_of({}) == "flux::BufferPool: there are no classes");
  BOOST_TEST(refusal_of({0, 8}) == "flux::BufferPool: a class of 0 bytes");
  BOOST_TEST(refusal_of({8, 0}) == "flux::BufferPool: a class of 0 bytes");
  BOOST_TEST(refusal_of({8, 16, 16}) == "flux::BufferPool: the class of 16 bytes is there twice");
  BOOST_TEST(refusal_of({8, 64, 32}) == "flux::BufferPool: the class of 32 bytes follows that of 64");
  BOOST_TEST(refusal_of({8, SIZE_MAX}) ==
             "flux::BufferPool: a class of " + std::to_string(SIZE_MAX) + " bytes is too large");
  BOOST_TEST(refusal_of(std::vector<std::size_t>(5000)) == "flux::BufferPool: 5000 classes are too many");
  BOOST_TEST(refusal_of({1, 2, 3}) == "taken");
}

BOOST_AUTO_TEST_CASE(more_than_there_is_throws_and_counts_nothing) {
  flux::BufferPool pool;
  BOOST_CHECK_THROW(static_cast<void>(pool.get(SIZE_MAX)), std::bad_alloc);
  BOOST_CHECK_THROW(static_cast<void>(pool.get(SIZE_MAX - 100)), std::bad_alloc);
  BOOST_TEST(pool.stats().oversized_gets == 0u);
}

BOOST_AUTO_TEST_CASE(buffers_go_back_from_any_thread_and_are_counted_right) {
  flux::BufferPool pool({.zeroing = flux::Zeroing::kNone});
  constexpr std::size_t kThreads = 8, kRounds = 300, kHeld = 20;
  std::vector<std::vector<flux::Buffer>> handed(kThreads);
  std::atomic<std::size_t> damaged = 0;
  for (int phase = 0; phase != 3; ++phase) {
    run_threads(kThreads, [&](std::size_t index) {
      std::vector<flux::Buffer>& mine = handed[index];
      for (std::size_t round = 0; round != kRounds; ++round) {
        if (mine.size() >= kHeld) mine.erase(mine.begin());
        mine.push_back(pool.get(std::size_t{1} << (round + index) % 17));
        fill(mine.back(), std::byte(index));
      }
      for (flux::Buffer& buffer : mine)
        if (!is_all(whole(buffer), std::byte(index)) && !is_all(whole(buffer), std::byte(index + 7)))
          ++damaged;
    });
    std::rotate(handed.begin(), handed.begin() + 1, handed.end());
    for (std::size_t index = 0; index != kThreads; ++index)
      for (flux::Buffer& buffer : handed[index]) fill(buffer, std::byte(index + 7));
    BOOST_TEST(in_use(pool) == kThreads * kHeld);
  }
  BOOST_TEST(damaged == 0u);
  handed.clear();
  BOOST_TEST(in_use(pool) == 0u);
}

BOOST_AUTO_TEST_CASE(threads_beyond_those_with_a_number_are_counted_as_well) {
  flux::BufferPool pool;
  constexpr std::size_t kThreads = 100;
  run_threads(kThreads, [&](std::size_t) {
    for (int i = 0; i != 50; ++i) static_cast<void>(pool.get(100));
  });
  BOOST_TEST(counts_of(pool, 128).gets == kThreads * 50);
  BOOST_TEST(counts_of(pool, 128).puts == kThreads * 50);
}

BOOST_AUTO_TEST_CASE(statistics_of_slabs_name_the_pools_memory) {
  flux::BufferPool pool;
  const flux::Buffer buffer = pool.get(500);
  const flux::Statistics statistics = flux::stats();
  const auto found = std::ranges::find(statistics.domains, "flux::BufferPool", &flux::DomainStatistics::tag);
  BOOST_REQUIRE((found != statistics.domains.end()));
  BOOST_TEST(found->bytes_live >= 512u);
}

BOOST_AUTO_TEST_CASE(buffers_may_outlive_their_pool) {
  auto pool = std::make_unique<flux::BufferPool>();
  std::vector<flux::Buffer> buffers;
  for (const std::size_t size : {10u, 5'000u, 2'000'000u}) buffers.push_back(pool->get(size));
  pool.reset();
  for (flux::Buffer& buffer : buffers) fill(buffer, std::byte{7});
  BOOST_TEST(buffers[1].capacity() == 8192u);
  BOOST_TEST(buffers[2].capacity() == 2'000'000u);
  const std::byte* const data = buffers[1].data();
  buffers.clear();
  flux::BufferPool next;
  BOOST_TEST(next.get(5'000).data() == data);  // where it was put
}

BOOST_AUTO_TEST_CASE(the_last_buffer_of_an_ended_pool_takes_its_tables_along) {
  const auto end_with_a_buffer = [] {
    auto pool = std::make_unique<flux::BufferPool>();
    const flux::Buffer first = pool->get(10), second = pool->get(2'000'000);
    pool.reset();
  };
  end_with_a_buffer();
  const std::size_t before = ::mallinfo2().uordblks;
  for (int i = 0; i != 50; ++i) end_with_a_buffer();
  BOOST_TEST(::mallinfo2().uordblks <= before + 50'000);  // a pool's counts alone take 4 KiB a class
}

BOOST_AUTO_TEST_SUITE_END()
