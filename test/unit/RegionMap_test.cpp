// Which regions are thread heaps', asked of any address.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <flux/detail/slab/RegionMap.hpp>
#include <memory>

#include "support/FailingPageSource.hpp"
#include "support/OwnSource.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(map_of_regions)

namespace {

using namespace flux::test;
using namespace flux::detail;

const void* address(std::uintptr_t bits) { return reinterpret_cast<const void*>(bits); }

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_map_holds_no_address) {
  const auto map = std::make_unique<RegionMap>();
  for (std::uintptr_t bit = 1; bit != 0; bit <<= 1) BOOST_TEST(!map->holds(address(bit)));
  BOOST_TEST(!map->holds(nullptr));
  BOOST_TEST(!map->holds(address(UINTPTR_MAX)));
}

BOOST_AUTO_TEST_CASE(a_region_is_held_from_its_first_byte_to_its_last_and_its_neighbours_are_not) {
  const auto map = std::make_unique<RegionMap>();
  for (const std::uintptr_t index : {1u, 63u, 64u, 65u, kIsNarrow ? 500u : 4'000'000u}) {
    const std::uintptr_t begin = index * kRegionBytes;
    map->add(address(begin));
    BOOST_TEST(map->holds(address(begin)));
    BOOST_TEST(map->holds(address(begin + kRegionBytes - 1)));
    map->remove(address(begin));
    BOOST_TEST(!map->holds(address(begin)));
    map->add(address(begin));
    BOOST_TEST(!map->holds(address(begin + 2 * kRegionBytes)));
    map->remove(address(begin));
  }
}

BOOST_AUTO_TEST_CASE(regions_at_the_end_of_what_systems_hand_out_are_held) {
  const auto map = std::make_unique<RegionMap>();
  for (const unsigned bits : {kIsNarrow ? 31u : 47u, kIsNarrow ? 32u : 48u}) {  // x86-64, ARM64
    const std::uintptr_t last = (UINTPTR_MAX >> (sizeof(void*) * 8 - bits)) & ~(kRegionBytes - 1);
    map->add(address(last));
    BOOST_TEST(map->holds(address(last + 12'345)));
  }
}

BOOST_AUTO_TEST_CASE(addresses_beyond_are_not_held_and_do_no_harm) {
  const auto map = std::make_unique<RegionMap>();
  if (kIsNarrow) return;  // there are none
  constexpr std::uint64_t kBeyond[] = {std::uint64_t{1} << 48, std::uint64_t{1} << 56,
                                       ~(std::uint64_t{kRegionBytes} - 1)};
  for (const std::uint64_t bits : kBeyond) {
    const auto begin = static_cast<std::uintptr_t>(bits);
    map->add(address(begin));
    BOOST_TEST(!map->holds(address(begin)));
    map->remove(address(begin));
  }
}

BOOST_AUTO_TEST_CASE(threads_that_add_at_once_lose_nothing) {
  const auto map = std::make_unique<RegionMap>();
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kRegions = 2'000;
  run_threads(kThreads, [&](std::size_t index) {
    for (std::size_t r = index; r < kRegions; r += kThreads) map->add(address(r * kRegionBytes));
  });
  std::size_t held = 0;
  for (std::size_t r = 0; r != kRegions; ++r) held += map->holds(address(r * kRegionBytes));
  BOOST_TEST(held == kRegions);
}

BOOST_AUTO_TEST_CASE(every_region_of_a_thread_heap_is_held_and_none_of_an_instance) {
  OwnSource source(kSingleRegions);
  SlabSource instance = SlabSource::of_instance(UINT32_MAX);
  BOOST_REQUIRE(instance.open_first());
  for (int i = 0; i != 1'000; ++i) {
    const Slab* const mine = source->carve(size_class_of(1000));
    const Slab* const its = instance.carve(size_class_of(1000));
    BOOST_REQUIRE((region_map.holds(mine->begin()) && !region_map.holds(its->begin())));
  }
  BOOST_TEST(source.pages.pieces() > 2u);
  SlabSource::close(instance);
}

BOOST_AUTO_TEST_SUITE_END()
