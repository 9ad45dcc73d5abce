// How much address space is asked for at once, and what happens when it is scarce.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/memory/Reservation.hpp>
#include <vector>

#include "support/FailingPageSource.hpp"
#include "support/Pattern.hpp"

BOOST_AUTO_TEST_SUITE(reservation)

namespace {

using namespace flux::test;
using namespace flux::detail;
using Sizes = std::vector<std::size_t>;

constexpr std::size_t kLarge = kMostRegions * kRegionBytes;
constexpr std::size_t kModest = kSomeRegions * kRegionBytes;

// What reserve_regions asks for when it is refused everything.
Sizes asked_for(std::size_t address_limit) {
  FailingPageSource pages(address_limit);
  pages.fail_from(1);
  reserve_regions();
  return pages.requests();
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_one_contains_nothing) {
  const Reservation empty;
  int local = 0;
  BOOST_TEST(!empty.contains(nullptr));
  BOOST_TEST(!empty.contains(&local));
  BOOST_TEST(!empty.contains(reinterpret_cast<void*>(UINTPTR_MAX)));
}

BOOST_AUTO_TEST_CASE(it_contains_its_first_and_last_byte_and_none_beside_them) {
  auto* const begin = reinterpret_cast<std::byte*>(7 * kRegionBytes);
  const Reservation piece{begin, kModest};
  BOOST_TEST(piece.contains(begin));
  BOOST_TEST(piece.contains(begin + kModest - 1));
  BOOST_TEST(!piece.contains(begin - 1));
  BOOST_TEST(!piece.contains(begin + kModest));
  BOOST_TEST(!piece.contains(nullptr));
}

BOOST_AUTO_TEST_CASE(it_asks_for_the_most_regions_then_some_then_one) {
  BOOST_TEST(asked_for(SIZE_MAX) == Sizes({kLarge, kModest, kRegionBytes}));
}

BOOST_AUTO_TEST_CASE(more_than_a_sixteenth_of_the_address_space_is_asked_for_only_as_a_single_region) {
  BOOST_TEST(asked_for(16 * kLarge) == Sizes({kLarge, kModest, kRegionBytes}));
  BOOST_TEST(asked_for(16 * kLarge - 1) == Sizes({kModest, kRegionBytes}));
  BOOST_TEST(asked_for(16 * kModest) == Sizes({kModest, kRegionBytes}));
  BOOST_TEST(asked_for(16 * kModest - 1) == Sizes({kRegionBytes}));
  BOOST_TEST(asked_for(0) == Sizes({kRegionBytes}));
}

BOOST_AUTO_TEST_CASE(it_takes_the_largest_piece_it_gets) {
  FailingPageSource pages(kModestPieces);
  BOOST_TEST(reserve_regions().bytes == kModest);
  pages.fail_first(1);
  BOOST_TEST(reserve_regions().bytes == kRegionBytes);
  BOOST_TEST(pages.reserved_bytes() == kModest + kRegionBytes);
}

BOOST_AUTO_TEST_CASE(it_is_aligned_to_a_region_and_not_yet_committed) {
  FailingPageSource pages(kModestPieces);
  const Reservation piece = reserve_regions();
  BOOST_TEST(is_aligned(piece.begin, kRegionBytes));
  BOOST_TEST(pages.holds(piece.begin + piece.bytes - 1));
  BOOST_TEST(pages.committed_bytes() == 0u);
}

// Hands out addresses that have more bits than flux can do with.
namespace high_addresses {
std::size_t reserved = 0, released = 0;

std::byte* reserve(std::size_t, std::size_t) noexcept {
  ++reserved;
  return reinterpret_cast<std::byte*>(~std::uintptr_t{0} / kRegionBytes / 2 * kRegionBytes);
}
void release(std::byte*, std::size_t) noexcept { ++released; }
}  // namespace high_addresses

BOOST_AUTO_TEST_CASE(it_gives_back_what_lies_beyond_the_addresses_that_flux_expects) {
  if (kIsNarrow) return;
  const PageSource before = page_source;
  const std::size_t bytes_before = reserved_bytes;
  page_source.reserve = high_addresses::reserve;
  page_source.release = high_addresses::release;
  const Reservation piece = reserve_regions();
  page_source = before;
  BOOST_TEST(piece.bytes == 0u);
  BOOST_TEST(high_addresses::reserved > 0u);
  BOOST_TEST(high_addresses::released == high_addresses::reserved);
  BOOST_TEST(reserved_bytes == bytes_before);
}

BOOST_AUTO_TEST_CASE(it_is_empty_when_not_even_a_region_is_to_be_had) {
  FailingPageSource pages(SIZE_MAX);
  pages.fail_from(1);
  const Reservation piece = reserve_regions();
  BOOST_TEST(piece.begin == nullptr);
  BOOST_TEST(piece.bytes == 0u);
  BOOST_TEST(pages.pieces() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
