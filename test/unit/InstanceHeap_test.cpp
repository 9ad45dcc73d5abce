// The heap behind flux::Heap: its budget, its bins, its regions.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/InstanceHeap.hpp>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

#include "support/FailingPageSource.hpp"
#include "support/ObjectSets.hpp"
#include "support/Random.hpp"
#include "support/Resident.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(instance_heap)

namespace {

using namespace flux::test;
using namespace flux::detail;

/// A heap from pages of the test's own.
class OwnInstance {
 public:
  explicit OwnInstance(std::size_t capacity = SIZE_MAX, std::size_t address_limit = kModestPieces)
      : pages_(address_limit), heap_(InstanceHeap::create(capacity)) {}
  OwnInstance(const OwnInstance&) = delete;
  OwnInstance& operator=(const OwnInstance&) = delete;
  ~OwnInstance() { close(); }

  void close() {
    if (heap_ != nullptr) InstanceHeap::close(std::exchange(heap_, nullptr));
  }

  FailingPageSource& pages() { return pages_; }
  InstanceHeap* operator->() const { return heap_; }

  std::size_t retained_bytes() const { return heap_->home().source().retained_bytes(); }

  /// Until the heap refuses, or there are `most`.
  Objects allocate(unsigned size_class, std::size_t most) {
    Objects objects;
    try {
      while (objects.size() != most) objects.push_back(heap_->allocate_object(size_class, kWholeObject));
    } catch (const std::bad_alloc&) {
    }
    return objects;
  }
  void deallocate(const Objects& objects, unsigned size_class) {
    for (void* object : objects) heap_->deallocate_object(object, size_class, kWholeObject);
  }

 private:
  FailingPageSource pages_;
  InstanceHeap* heap_;
};

/// Blocks that were committed and not uncommitted since, while it lives: those that LeakSanitizer knows of.
class CommittedBlocks {
 public:
  CommittedBlocks() {
    count_ = 0;
    page_source.commit = [](std::byte* begin, std::size_t bytes) noexcept {
      const bool is_done = kSystemPages.commit(begin, bytes);
      count_ += is_done ? 1 : 0;
      return is_done;
    };
    page_source.uncommit = [](std::byte* begin, std::size_t bytes) noexcept {
      kSystemPages.uncommit(begin, bytes);
      count_ -= 1;
    };
  }
  CommittedBlocks(const CommittedBlocks&) = delete;
  CommittedBlocks& operator=(const CommittedBlocks&) = delete;
  ~CommittedBlocks() { page_source = kSystemPages; }

  int count() const { return count_; }

 private:
  static inline int count_ = 0;
};

constexpr unsigned kClass = size_class_of(64);

}  // namespace

BOOST_AUTO_TEST_CASE(it_lives_in_its_own_first_region_which_says_what_it_is) {
  OwnInstance heap;
  const Region* const region = Region::of(heap.operator->());
  BOOST_TEST(heap.pages().holds(region));
  BOOST_TEST(region->magic == Region::kInstanceMagic);
  BOOST_TEST(region->owner == nullptr);
  // The last byte is the layout's version, and is the same of both kinds.
  BOOST_TEST((Region::kInstanceMagic ^ Region::kMagic) % 256 == 0u);
  BOOST_TEST(Region::kInstanceMagic != Region::kMagic);
}

BOOST_AUTO_TEST_CASE(all_objects_of_every_class_lie_apart_and_come_again) {
  OwnInstance heap;
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    const std::size_t count = 2 * kSizeClassInfo[c].capacity + 3;
    const Objects objects = heap.allocate(c, count);
    BOOST_TEST(objects.size() == count);
    BOOST_TEST(are_distinct(objects));
    heap.deallocate(objects, c);
  }
  BOOST_TEST(heap->is_valid());
}

BOOST_AUTO_TEST_CASE(the_capacity_is_given_out_to_the_last_slab) {
  OwnInstance heap(10 * kUnitBytes);
  const Objects objects = heap.allocate(kClass, SIZE_MAX);
  BOOST_TEST(objects.size() == 10 * kSizeClassInfo[kClass].capacity);
  BOOST_TEST(heap->used_bytes() == 10 * kUnitBytes);
  BOOST_CHECK_THROW(std::ignore = heap->allocate(1, 1), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = heap->allocate(100'000, 16), std::bad_alloc);
  heap.deallocate(objects, kClass);
  BOOST_TEST(heap.allocate(kClass + 1, SIZE_MAX).size() == 10 * kSizeClassInfo[kClass + 1].capacity);
  BOOST_TEST(heap->is_valid());
}

BOOST_AUTO_TEST_CASE(large_blocks_and_slabs_share_the_capacity) {
  OwnInstance heap(10 * kUnitBytes);
  void* const block = heap->allocate(9 * kUnitBytes - 48, 16);
  BOOST_TEST(heap->used_bytes() == 9 * kUnitBytes);
  const Objects objects = heap.allocate(kClass, SIZE_MAX);
  BOOST_TEST(objects.size() == kSizeClassInfo[kClass].capacity);
  BOOST_CHECK_THROW(std::ignore = heap->allocate(40'000, 16), std::bad_alloc);
  heap.deallocate(objects, kClass);  // in the bin, but for those that a large block asks home
  heap->deallocate(heap->allocate(40'000, 16), 40'000, 16);
  heap->deallocate(block, 9 * kUnitBytes - 48, 16);
  BOOST_TEST(heap.allocate(kClass, SIZE_MAX).size() == 10 * kSizeClassInfo[kClass].capacity);
}

BOOST_AUTO_TEST_CASE(a_capacity_beyond_all_memory_is_none) {
  OwnInstance heap(SIZE_MAX - 1);
  BOOST_TEST(heap.allocate(kClass, 10'000).size() == 10'000u);
}

BOOST_AUTO_TEST_CASE(what_is_used_and_what_is_kept_free_are_no_more_than_the_capacity) {
  for (const std::size_t huge_pages_from : {std::size_t{0}, std::size_t{1536} * kKiB, SIZE_MAX}) {
    const WithHugePagesFrom setting(huge_pages_from);
    constexpr std::size_t kCapacity = 6 * kMiB;
    OwnInstance heap(kCapacity);
    Random random;
    std::size_t most = 0;
    std::vector<std::pair<void*, std::size_t>> held;
    for (std::size_t step = 0; step != 20'000; ++step) {
      const std::size_t bytes = std::size_t{100} << step / 500 % 10;  // one size after another, up to 51,200
      try {
        held.emplace_back(heap->allocate(bytes, 8), bytes);
      } catch (const std::bad_alloc&) {
        for (std::size_t left = held.size() / 2; left != 0; --left) {
          std::swap(held[random.below(held.size())], held.back());
          heap->deallocate(held.back().first, held.back().second, 8);
          held.pop_back();
        }
      }
      most = std::max(most, heap->used_bytes() + heap.retained_bytes());
    }
    BOOST_TEST(most <= kCapacity);
    BOOST_TEST(most > kCapacity / 2);
    BOOST_TEST(heap->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(release_forgets_what_is_in_bins_slabs_and_large_blocks) {
  OwnInstance heap;
  for (int round = 0; round != 3; ++round) {
    for (unsigned c = 0; c < kSmallClasses; c += 5) {
      const Objects objects = heap.allocate(c, 500);
      heap.deallocate(Objects(objects.begin(), objects.begin() + 250), c);
    }
    std::ignore = heap->allocate(100'000, 4096);
    heap->release();
    BOOST_TEST(heap->is_valid());
    BOOST_TEST(heap->used_bytes() == 0u);
    for (unsigned c = 0; c != kSmallClasses; ++c)
      BOOST_TEST(heap->home().slabs(c) + heap->home().home(c) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(close_gives_back_every_piece_also_one_that_no_region_was_opened_in) {
  OwnInstance heap(SIZE_MAX, kSingleRegions);
  for (bool is_refused = false; !is_refused;) {
    heap.pages().fail_from(2);  // a piece is reserved, but no region of it gets memory
    is_refused = heap.allocate(kSmallClasses - 1, 1).empty();
  }
  BOOST_TEST(heap.pages().pieces() == 2u);
  BOOST_TEST(heap->is_valid());
  heap.close();
  BOOST_TEST(heap.pages().pieces() == 0u);
  BOOST_TEST(reserved_bytes == 0u);
  BOOST_TEST(heap.pages().complaint() == "");
}

BOOST_AUTO_TEST_CASE(close_uncommits_every_block_that_was_committed) {
  const CommittedBlocks blocks;
  InstanceHeap* const heap = InstanceHeap::create(SIZE_MAX);
  BOOST_REQUIRE(heap != nullptr);
  BOOST_TEST(blocks.count() == 1);
  for (int i = 0; i != 2'000; ++i) std::ignore = heap->allocate_object(kSmallClasses - 1, kWholeObject);
  BOOST_TEST(blocks.count() > 16);
  InstanceHeap::close(heap);
  BOOST_TEST(blocks.count() == 0);
}

BOOST_AUTO_TEST_CASE(without_memory_for_its_first_region_there_is_no_heap_and_nothing_is_kept) {
  for (std::size_t n = 1; n != 3; ++n) {
    FailingPageSource pages(kSingleRegions);
    pages.fail_at(n);
    BOOST_TEST(InstanceHeap::create(SIZE_MAX) == nullptr);
    BOOST_TEST(pages.pieces() == 0u);
    BOOST_TEST(reserved_bytes == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
