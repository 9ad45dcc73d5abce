// The polymorphic memory resources: any size and alignment, any thread, equal among themselves alone.
#include <algorithm>
#include <atomic>
#include <boost/container/pmr/list.hpp>
#include <boost/container/pmr/map.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/BoostMemoryResource.hpp>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory_resource>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/HeapCensus.hpp"
#include "support/HeapObjects.hpp"
#include "support/InChild.hpp"
#include "support/Random.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(memory_resource)

namespace {

using namespace flux::test;
using flux::detail::local_heap;

struct Block {
  void* p;
  std::size_t bytes;
  std::size_t alignment;
};

bool is_aligned(const Block& block) {
  return reinterpret_cast<std::uintptr_t>(block.p) % block.alignment == 0;
}

template <class Resource>
Block make(Resource& resource, std::size_t bytes, std::size_t alignment) {
  const Block block{resource.allocate(bytes, alignment), bytes, alignment};
  std::memset(block.p, static_cast<int>(bytes % 251), bytes);
  return block;
}

/// Whether it still holds what make wrote.
template <class Resource>
bool drop(Resource& resource, const Block& block) {
  const auto* const bytes = static_cast<const unsigned char*>(block.p);
  const bool is_whole =
      std::all_of(bytes, bytes + block.bytes, [&](unsigned char byte) { return byte == block.bytes % 251; });
  resource.deallocate(block.p, block.bytes, block.alignment);
  return is_whole;
}

/// Objects of the thread's heap that are not home: a heap that the thread adopted may have come with some.
std::size_t away() {
  flux::MemoryResource{}.deallocate(flux::MemoryResource{}.allocate(1), 1);
  settle(*local_heap<>.heap());
  return census_of(*local_heap<>.heap()).away();
}

// Static containers that live longer than the heaps of all threads, over an instance that is never destroyed.
std::pmr::list<int> made_before_main(100, 7, flux::memory_resource());

struct Orders;

}  // namespace

BOOST_AUTO_TEST_CASE(every_size_comes_aligned_and_whole_at_every_alignment) {
  flux::MemoryResource resource;
  for (std::size_t alignment = 1; alignment <= 16'384; alignment *= 2) {
    std::vector<Block> blocks;
    for (std::size_t bytes = 0; bytes <= 300; ++bytes) blocks.push_back(make(resource, bytes, alignment));
    for (const std::size_t bytes : {511u, 512u, 513u, 4095u, 4097u, 32'767u, 32'768u, 32'769u, 1u << 20})
      blocks.push_back(make(resource, bytes, alignment));
    std::set<void*> distinct;
    for (const Block& block : blocks) {
      BOOST_REQUIRE(is_aligned(block));
      distinct.insert(block.p);
    }
    BOOST_TEST(distinct.size() == blocks.size());
    std::size_t damaged = 0;
    for (const Block& block : blocks) damaged += drop(resource, block) ? 0 : 1;
    BOOST_TEST(damaged == 0u);
  }
}

BOOST_AUTO_TEST_CASE(small_sizes_come_from_slabs_and_go_back_to_them) {
  run_thread([] {
    const std::size_t before = away();
    flux::MemoryResource resource;
    Random random;
    std::vector<Block> blocks;
    for (int i = 0; i != 5'000; ++i)
      blocks.push_back(make(resource, random.below(3'000), std::size_t{1} << random.below(8)));
    BOOST_TEST(away() - before == blocks.size());
    std::ranges::shuffle(blocks, random);
    for (const Block& block : blocks) drop(resource, block);
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(containers_of_the_standard_library_work_over_it) {
  run_thread([] {
    const std::size_t before = away();
    {
      std::pmr::unordered_map<std::pmr::string, std::pmr::vector<int>> map(flux::memory_resource());
      for (int i = 0; i != 2'000; ++i)
        map[std::pmr::string(100, static_cast<char>('a' + i % 26))].push_back(i);
      BOOST_TEST(map.size() == 26u);
      BOOST_TEST((map.begin()->second.get_allocator().resource() == flux::memory_resource()));
      std::pmr::map<int, std::pmr::string> copy(flux::memory_resource());
      for (const auto& [key, values] : map) copy.emplace(values.front(), key);
      const auto moved = std::move(copy);
      BOOST_TEST((moved.at(25) == std::pmr::string(100, 'z')));
    }
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(containers_of_boost_work_over_boosts) {
  run_thread([] {
    const std::size_t before = away();
    {
      boost::container::pmr::list<int> list(flux::boost_memory_resource());
      boost::container::pmr::map<int, int> map(flux::boost_memory_resource());
      for (int i = 0; i != 1'000; ++i) {
        list.push_back(i);
        map[i] = i;
      }
      BOOST_TEST(away() - before == 2'000u);
      BOOST_TEST(list.back() + map[500] == 1'499);
    }
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(resources_of_a_tag_are_equal_and_no_others) {
  flux::MemoryResource one, other;
  flux::TaggedMemoryResource<Orders> orders;
  std::pmr::monotonic_buffer_resource foreign;
  BOOST_TEST((one == other));
  BOOST_TEST((one == *flux::memory_resource()));
  BOOST_TEST((one != orders));
  BOOST_TEST((orders == *flux::memory_resource<Orders>()));
  BOOST_TEST((one != foreign));
  BOOST_TEST((foreign != one));
  BOOST_TEST((one != *std::pmr::new_delete_resource()));
  BOOST_TEST((flux::BoostMemoryResource{} == *flux::boost_memory_resource()));
  BOOST_TEST((flux::BoostMemoryResource{} != flux::TaggedBoostMemoryResource<Orders>{}));
}

BOOST_AUTO_TEST_CASE(lists_over_equal_resources_splice) {
  flux::MemoryResource one, other;
  std::pmr::list<int> mine({1, 2, 3}, &one), its({4, 5}, &other);
  mine.splice(mine.end(), its);
  BOOST_TEST((mine == std::pmr::list<int>{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(a_tags_resource_takes_nothing_from_other_heaps) {
  run_thread([] {
    std::pmr::list<int> list(flux::memory_resource<Orders>());
    list.assign(100, 1);
    BOOST_TEST((local_heap<>.heap() == nullptr));
    BOOST_TEST(census_of(*local_heap<Orders>.heap()).away() == 100u);
  });
}

BOOST_AUTO_TEST_CASE(what_one_thread_allocates_others_free_through_their_own_resource) {
  std::vector<Block> blocks;
  run_thread([&] {
    const std::size_t before = away();
    flux::MemoryResource resource;
    Random random;
    for (int i = 0; i != 10'000; ++i)
      blocks.push_back(make(resource, random.below(40'000) / (1 + random.below(100)), 16));
    std::atomic<std::size_t> damaged = 0;
    run_threads(4, [&](std::size_t index) {
      for (std::size_t b = index; b < blocks.size(); b += 4)
        if (!drop(*flux::memory_resource(), blocks[b])) ++damaged;
    });
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(pools_of_the_standard_library_work_upon_it) {
  run_thread([] {
    const std::size_t before = away();
    {
      std::pmr::unsynchronized_pool_resource pool(flux::memory_resource());
      std::pmr::list<int> list(&pool);
      for (int i = 0; i != 10'000; ++i) list.push_back(i);
      BOOST_TEST(list.size() == 10'000u);
    }
    BOOST_TEST(away() == before);
  });
}

BOOST_AUTO_TEST_CASE(a_static_container_over_it_is_filled_before_main) {
  BOOST_TEST(made_before_main.size() == 100u);
  made_before_main.push_back(8);  // destroyed after thread-local storage is gone
}

BOOST_AUTO_TEST_SUITE_END()
