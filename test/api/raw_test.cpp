// Memory by its size alone: sized and unsized frees, what is usable, whose an address is.
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <flux/flux.hpp>
#include <limits>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "support/Death.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapCensus.hpp"
#include "support/HeapObjects.hpp"
#include "support/InChild.hpp"
#include "support/Pattern.hpp"
#include "support/Random.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(raw)

namespace {

using namespace flux::test;
using flux::detail::kSmallClasses;
using flux::detail::local_heap;
using flux::detail::stride_of;

struct Block {
  void* p = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 1;
  std::size_t usable = 0;
};

std::uint64_t mark_of(const Block& block) { return reinterpret_cast<std::uintptr_t>(block.p) / 8; }

/// Marked over all that is usable.
Block make(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
  Block block{flux::allocate(bytes, alignment), bytes, alignment, 0};
  block.usable = flux::usable_size(block.p);
  write_mark(block.p, block.usable, mark_of(block));
  return block;
}

bool is_whole(const Block& block) {
  return is_aligned(block.p, block.alignment) && block.usable >= block.bytes &&
         flux::usable_size(block.p) == block.usable && has_mark(block.p, block.usable, mark_of(block));
}

/// Whether it was whole.
bool drop(const Block& block, bool is_sized) {
  const bool was_whole = is_whole(block);
  if (is_sized) {
    flux::deallocate(block.p, block.bytes, block.alignment);
  } else {
    flux::deallocate(block.p);
  }
  return was_whole;
}

/// Sizes around the border of every class, and beyond.
std::vector<std::size_t> sizes() {
  std::vector<std::size_t> all{0, 32'769, 40'000, 65'536, 100'000, 131'072, 1'000'000, 5'000'000};
  for (unsigned c = 0; c != kSmallClasses; ++c)
    for (const std::size_t bytes : {stride_of(c) - 1, stride_of(c), stride_of(c) + 1}) all.push_back(bytes);
  return all;
}

/// Objects of the thread's heap that are not home: a heap that the thread adopted may have come with some.
std::size_t away() {
  flux::deallocate(flux::allocate(1), 1);
  settle(*local_heap<>.heap());
  return census_of(*local_heap<>.heap()).away();
}

// Not known to the compiler, which would warn of it.
std::size_t hidden(std::size_t bytes) {
  volatile std::size_t copy = bytes;
  return copy;
}

const int read_only = 7;
int written = 7;

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  void* const line = flux::allocate(100);           // at a multiple of 16
  void* const page = flux::allocate(4'096, 4'096);  // at a multiple of 4,096
  BOOST_TEST(flux::usable_size(line) >= 100u);
  flux::deallocate(line);                // looks for its size
  flux::deallocate(page, 4'096, 4'096);  // faster: is told
}

BOOST_AUTO_TEST_CASE(every_size_is_whole_and_goes_with_its_size_or_without) {
  run_thread([] {
    const std::size_t before = away();
    for (const bool is_sized : {true, false})
      for (const std::size_t bytes : sizes()) {
        const std::array<Block, 3> blocks{make(bytes), make(bytes), make(bytes)};
        for (const Block& block : blocks) BOOST_TEST(drop(block, is_sized), bytes << " bytes");
      }
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(every_alignment_is_kept_and_goes_with_its_size_or_without) {
  run_thread([] {
    const std::size_t before = away();
    for (const bool is_sized : {true, false})
      for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2)
        for (const std::size_t bytes :
             {0u, 1u, 8u, 24u, 100u, 1'000u, 4'095u, 4'096u, 30'000u, 32'768u, 40'000u})
          BOOST_TEST(drop(make(bytes, alignment), is_sized), bytes << " bytes at " << alignment);
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(no_bytes_have_an_address_of_their_own) {
  for (const std::size_t alignment : {1u, 16u, 4'096u, 8'192u}) {
    std::set<void*> distinct;
    for (int i = 0; i != 1'000; ++i) distinct.insert(flux::allocate(0, alignment));
    BOOST_TEST(distinct.size() == 1'000u);
    BOOST_TEST(!distinct.contains(nullptr));
    for (void* p : distinct) flux::deallocate(p, 0, alignment);
  }
}

BOOST_AUTO_TEST_CASE(nullptr_may_be_freed_in_every_form) {
  flux::deallocate(nullptr);
  flux::deallocate(nullptr, 0);
  flux::deallocate(nullptr, 100);
  flux::deallocate(nullptr, 100'000);
  flux::deallocate(nullptr, 100, 64);
  flux::deallocate(nullptr, 100, 8'192);
  BOOST_TEST(flux::usable_size(nullptr) == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_usable_of_an_object_is_its_class) {
  for (unsigned c = 1; c != kSmallClasses; ++c) {
    void* const p = flux::allocate(stride_of(c), 8);
    BOOST_TEST(flux::usable_size(p) == stride_of(c));
    flux::deallocate(p);
  }
}

BOOST_AUTO_TEST_CASE(an_alignment_that_is_no_power_of_two_is_an_invalid_argument_that_names_it) {
  for (const std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{24}, SIZE_MAX})
    for (const std::size_t bytes : {0u, 100u, 100'000u})
      BOOST_CHECK_EXCEPTION(std::ignore = flux::allocate(bytes, alignment), std::invalid_argument,
                            [alignment](const std::invalid_argument& thrown) {
                              const std::string what = thrown.what();
                              return what.find(" " + std::to_string(alignment) + " ") != std::string::npos;
                            });
}

BOOST_AUTO_TEST_CASE(owns_says_whose_an_address_is_and_never_touches_it) {
  const auto local = std::make_unique<int>(7);
  int on_the_stack = 7;
  void* const from_system = std::malloc(100);
  void* const unmapped = ::mmap(nullptr, 1u << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ::munmap(unmapped, 1u << 20);
  std::vector<const void*> others{nullptr,  &on_the_stack, local.get(), &read_only,
                                  &written, from_system,   unmapped,    &errno};
  for (unsigned bit = 0; bit != 64; ++bit)
    others.push_back(reinterpret_cast<void*>(std::uintptr_t{1} << bit));
  for (const std::uintptr_t bits : {UINTPTR_MAX, std::uintptr_t{0xFFFF'8000'0000'0000}, UINTPTR_MAX / 2})
    others.push_back(reinterpret_cast<void*>(bits));
  void* const large = flux::allocate(100'000);
  void* const wide = flux::allocate(100, 8'192);
  others.push_back(large);
  others.push_back(wide);
  flux::Heap heap;
  others.push_back(heap.allocate(100));
  for (const void* address : others) BOOST_TEST(!flux::owns(address), "at " << address);
  flux::deallocate(large);
  flux::deallocate(wide);
  std::free(from_system);

  struct Orders;
  flux::Allocator<long, Orders> orders;
  long* const order = orders.allocate(1);
  BOOST_TEST(flux::owns(order));
  orders.deallocate(order, 1);
  for (const std::size_t bytes : {0u, 1u, 100u, 32'768u}) {
    auto* const p = static_cast<std::byte*>(flux::allocate(bytes));
    BOOST_TEST(flux::owns(p));
    BOOST_TEST(flux::owns(p + bytes / 2));
    flux::deallocate(p);
  }
  void* from_another = nullptr;
  run_thread([&] { from_another = flux::allocate(100); });
  BOOST_TEST(flux::owns(from_another));
  flux::deallocate(from_another);
}

BOOST_AUTO_TEST_CASE(an_object_freed_without_its_size_is_the_next_that_is_allocated) {
  run_thread([] {
    for (const std::size_t bytes : {8u, 48u, 1'000u, 32'768u}) {
      void* const p = flux::allocate(bytes);
      void* const q = flux::allocate(bytes);
      flux::deallocate(p);
      BOOST_TEST(flux::allocate(bytes) == p);
      flux::deallocate(q);
      flux::deallocate(p, bytes);
      BOOST_TEST(flux::allocate(bytes) == p);
      BOOST_TEST(flux::allocate(bytes) == q);
      flux::deallocate(p);
      flux::deallocate(q);
    }
  });
}

BOOST_AUTO_TEST_CASE(what_one_thread_allocates_others_free_in_either_form) {
  run_thread([] {
    const std::size_t before = away();
    Random random;
    std::vector<Block> blocks;
    for (std::size_t i = 0; i != scaled(10'000); ++i)
      blocks.push_back(make(random.below(40'000) / (1 + random.below(100))));
    std::atomic<std::size_t> damaged = 0;
    run_threads(4, [&](std::size_t index) {
      for (std::size_t b = index; b < blocks.size(); b += 4) damaged += !drop(blocks[b], b % 8 < 4);
    });
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(allocators_and_raw_functions_share_the_threads_heap) {
  run_thread([] {
    struct Node {
      std::byte bytes[48];
    };
    flux::Allocator<Node> allocator;
    Node* const node = allocator.allocate(1);
    BOOST_TEST(flux::usable_size(node) == 48u);
    allocator.deallocate(node, 1);
    void* const p = flux::allocate(48);
    BOOST_TEST(p == node);
    flux::deallocate(p);
  });
}

BOOST_AUTO_TEST_CASE(what_no_memory_could_hold_is_bad_alloc) {
  if (is_instrumented()) return;  // there it ends the program
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  for (const std::size_t bytes : {kMost, kMost - 1, kMost / 2 + 1, kMost / 2})
    for (const std::size_t alignment :
         {std::size_t{1}, std::size_t{16}, std::size_t{4'096}, std::size_t{8'192}})
      BOOST_CHECK_THROW(std::ignore = flux::allocate(hidden(bytes), alignment), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = flux::allocate(100, kMost / 2 + 1), std::bad_alloc);
}

namespace {

std::size_t handler_calls = 0;
std::size_t handler_patience = 0;

/// Gives up when it was called so often.
void count_and_give_up() {
  if (++handler_calls == handler_patience) std::set_new_handler(nullptr);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_new_handler_is_called_until_there_is_none) {
  const std::new_handler before = std::get_new_handler();
  FreshHeaps fresh;
  run_thread([&] {
    fresh.pages().fail_from(1);
    handler_calls = 0, handler_patience = 3;
    std::set_new_handler(count_and_give_up);
    BOOST_CHECK_THROW(std::ignore = flux::allocate(100), std::bad_alloc);
    BOOST_TEST(handler_calls == 3u);
    if (is_instrumented()) return;
    handler_calls = 0;
    std::set_new_handler(count_and_give_up);
    BOOST_CHECK_THROW(std::ignore = flux::allocate(hidden(SIZE_MAX / 2)), std::bad_alloc);
    BOOST_CHECK_THROW(std::ignore = flux::allocate(hidden(SIZE_MAX / 2), 8'192), std::bad_alloc);
    BOOST_TEST(handler_calls == 3u);
  });
  std::set_new_handler(before);
}

BOOST_AUTO_TEST_CASE(a_new_handler_may_throw) {
  if (is_instrumented()) return;
  const std::new_handler before = std::set_new_handler([] { throw std::runtime_error("no more"); });
  BOOST_CHECK_THROW(std::ignore = flux::allocate(hidden(SIZE_MAX - 64)), std::runtime_error);
  std::set_new_handler(before);
}

BOOST_AUTO_TEST_CASE(memory_that_is_freed_without_its_size_is_used_again) {
  struct Figures {
    std::size_t first, most;
  };
  const Figures figures = in_child([] {
    Figures seen{};
    std::vector<void*> objects(2'000);
    for (int round = 0; round != 100; ++round) {
      const std::size_t bytes = std::size_t{16} << round % 8;
      for (void*& object : objects) write_mark(object = flux::allocate(bytes), bytes, 1);
      for (void* object : objects) flux::deallocate(object);
      const std::size_t resident = resident_bytes();
      if (round < 16) seen.first = std::max(seen.first, resident);
      seen.most = std::max(seen.most, resident);
    }
    return seen;
  });
  if (is_instrumented()) return;
  BOOST_TEST(figures.most <= figures.first + 256 * kKiB);
}

BOOST_AUTO_TEST_CASE(random_sizes_stay_whole_until_they_go_with_their_sizes_or_without) {
  run_thread([] {
    const std::size_t before = away();
    Random random;
    std::vector<Block> blocks;
    std::size_t damaged = 0;
    const auto drop_one = [&] {
      std::swap(blocks[random.below(blocks.size())], blocks.back());
      damaged += !drop(blocks.back(), random.below(2) == 0);
      blocks.pop_back();
    };
    for (std::size_t step = 0; step != scaled(30'000); ++step) {
      if (blocks.empty() || random.below(100) < 52) {
        const std::size_t most = random.below(50) == 0 ? 100'000 : random.below(5) == 0 ? 10'000 : 300;
        blocks.push_back(
            make(random.below(most), std::size_t{1} << random.below(random.below(20) == 0 ? 15 : 5)));
      } else {
        drop_one();
      }
    }
    while (!blocks.empty()) drop_one();
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(away() == before);
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  });
}

BOOST_AUTO_TEST_CASE(an_address_in_slab_memory_that_no_object_has_ends_the_program) {
  constexpr auto kReason = "an address that flux::allocate never gave";
  void* const p = flux::allocate(100);
  auto* const region = reinterpret_cast<std::byte*>(flux::detail::Region::of(p));
  void* const beyond = region + flux::detail::kRegionBytes - 8;
  BOOST_TEST(aborts_with(kReason, [&] { flux::deallocate(region); }));
  BOOST_TEST(aborts_with(kReason, [&] { flux::deallocate(beyond); }));
  const auto ask = [&] { std::ignore = flux::usable_size(region); };
  BOOST_TEST(aborts_with(kReason, ask));
  BOOST_TEST(aborts_with("flux: usable_size of ", ask));
  const flux::detail::Slab& slab =
      flux::detail::Region::slab_of(p);  // 104-byte objects leave some bytes at its end
  BOOST_TEST(aborts_with(kReason, [&] { flux::deallocate(slab.objects + slab.extent); }));
  flux::deallocate(p);
}

BOOST_AUTO_TEST_SUITE_END()
