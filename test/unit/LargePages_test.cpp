// Where pages have 64 KiB, as ARM64's may: all that is asked of the system is whole pages, and no content is lost by it.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/OwnSource.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(large_pages)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kPageBytes = std::size_t{64} << 10;
constexpr std::array<unsigned, 4> kClasses{0, 4, 50, kSmallClasses - 1};

}  // namespace

BOOST_AUTO_TEST_CASE(a_heap_that_grows_reserves_and_gives_back_asks_for_whole_pages) {
  for (const std::size_t huge_from : {std::size_t{0}, std::size_t{1536} << 10, SIZE_MAX}) {
    const WithHugePagesFrom from(huge_from);
    const WithRetentionLimit limit(std::size_t{1} << 20);
    OwnHeap heap(kModestPieces, kPageBytes);
    Random random;
    for (int round = 0; round != 3; ++round) {
      for (const unsigned c : kClasses) {
        BOOST_TEST(heap->reserve(c, 300));
        Objects objects = pop_many(*heap, c, scaled(3000));
        shuffle(objects, random);
        BOOST_TEST(are_marked(objects, c));
        push_all(*heap, objects, c);
      }
      heap->trim(true);
      BOOST_TEST(heap->is_valid());
    }
    BOOST_TEST(heap.pages().discards() != 0u);
    BOOST_TEST(heap.pages().complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(records_of_regions_without_slabs_go_back_but_for_the_headers_page) {
  OwnSource source(kSingleRegions, kPageBytes);
  const Slabs slabs = source.carve(3 * kUnitsPerRegion, size_class_of(1000));
  source.retire(slabs);
  source->discard_all();
  BOOST_TEST(source->is_valid());
  BOOST_TEST(source.pages.complaint() == "");
  BOOST_TEST(source.carve(3 * kUnitsPerRegion, size_class_of(1000)).back() != nullptr);
  BOOST_TEST(source->is_valid());
}

BOOST_AUTO_TEST_CASE(a_part_of_a_page_is_noticed) {
  FailingPageSource pages(kModestPieces, kPageBytes);
  std::byte* const begin = page_source.reserve(kRegionBytes, kRegionBytes);
  BOOST_TEST(page_source.commit(begin, kHugePageBytes));
  BOOST_TEST(pages.complaint() == "");
  page_source.discard(begin + kPageBytes / 2, kPageBytes);
  BOOST_TEST(pages.complaint() == "a part of a page");
}

BOOST_AUTO_TEST_SUITE_END()
