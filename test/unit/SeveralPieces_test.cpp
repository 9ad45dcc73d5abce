// Heaps whose address space came in several pieces: where objects outside of the main piece go.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <span>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Random.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(several_pieces)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = kSmallClasses - 1;  // 32 KiB: some thousand fill a piece
constexpr std::size_t kInOnePiece = kRegionBytes / kLargestSmallObject;
constexpr std::size_t kObjects = 5 * kInOnePiece / 2;  // three pieces

std::size_t outside_of_main_piece(const Objects& objects, const Bins& bins) {
  return static_cast<std::size_t>(
      std::ranges::count_if(objects, [&](void* object) { return !bins.owns(object); }));
}

// Whether all that a thread allocated is home when it has settled, in a heap without flaw.
bool is_all_home(ThreadHeap& heap) {
  settle(heap);
  return census_of(heap).away() == 0 && complaint_about(heap).empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_heap_grows_from_piece_to_piece_and_all_its_objects_are_its_own) {
  OwnHeap heap(kSingleRegions);
  const Objects objects = pop_many(*heap, kClass, kObjects);
  BOOST_TEST(heap.pages().pieces() == 3u);
  BOOST_TEST(regions_of(*heap) == 3u);
  BOOST_TEST(outside_of_main_piece(objects, *heap->bins()) > kInOnePiece);
  BOOST_TEST(std::ranges::all_of(objects, [&](void* object) { return is_object_of(*heap, object, kClass); }));
  BOOST_TEST(are_distinct(objects));
  BOOST_TEST(are_marked(objects, kClass));
  push_all(*heap, objects, kClass);
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(the_owner_frees_objects_of_all_pieces_into_its_bins) {
  for (const bool is_shuffled : {false, true}) {
    FreshHeaps fresh(kSingleRegions);
    run_thread([&] {
      Random random;
      Objects objects = allocate_many(kClass, kObjects);
      BOOST_TEST(outside_of_main_piece(objects, *local_bins<>) > kInOnePiece);
      if (is_shuffled) shuffle(objects, random);
      BOOST_TEST(are_marked(objects, kClass));
      deallocate_all(objects, kClass);
      BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
      BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
    });
  }
}

BOOST_AUTO_TEST_CASE(an_object_outside_of_the_main_piece_that_its_owner_freed_is_handed_out_next) {
  FreshHeaps fresh(kSingleRegions);
  run_thread([&] {
    const Objects objects = allocate_many(kClass, kObjects);
    BOOST_TEST(!local_bins<>->owns(objects.back()));
    deallocate(objects.back(), kClass);
    BOOST_TEST(allocate(kClass) == objects.back());
  });
}

BOOST_AUTO_TEST_CASE(other_threads_free_objects_of_all_pieces_home) {
  FreshHeaps fresh(kSingleRegions);
  Objects objects;
  run_thread([&] {
    objects = allocate_many(kClass, kObjects);
    run_thread([&] { deallocate_all(std::span(objects).first(kObjects / 2), kClass); });
  });
  run_thread([&] { deallocate_all(std::span(objects).subspan(kObjects / 2), kClass); });
  for (ThreadHeap* heap : fresh.parked()) BOOST_TEST(is_all_home(*heap));
}

BOOST_AUTO_TEST_CASE(the_thread_that_adopts_the_heap_frees_objects_of_all_pieces) {
  FreshHeaps fresh(kSingleRegions);
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, kObjects); });
  run_thread([&] {
    deallocate(allocate(kClass), kClass);
    deallocate_all(objects, kClass);
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 0u);
  });
  BOOST_TEST(fresh.parked().size() == 1u);
  BOOST_TEST(is_all_home(*fresh.parked().front()));
}

BOOST_AUTO_TEST_CASE(memory_of_all_pieces_is_used_again_before_another_is_reserved) {
  OwnHeap heap(kSingleRegions);
  for (const unsigned c : {kClass, kClass - 8, kClass - 16, kClass - 24}) {
    const Objects objects = pop_many(*heap, c, 2 * kRegionBytes / stride_of(c));
    push_all(*heap, objects, c);
    BOOST_TEST(heap.pages().pieces() <= 3u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_CASE(pieces_may_differ_in_size) {
  FailingPageSource pages(kModestPieces);
  pages.fail_first(1);
  ThreadHeap& heap = *ThreadHeap::create(domain_info<>);
  const Objects objects = pop_many(heap, kClass, kObjects);
  BOOST_TEST(pages.pieces() == 2u);
  BOOST_TEST(pages.reserved_bytes() == (kSomeRegions + 1) * kRegionBytes);
  BOOST_TEST(outside_of_main_piece(objects, *heap.bins()) > kInOnePiece);
  push_all(heap, objects, kClass);
  BOOST_TEST(is_all_home(heap));
}

BOOST_AUTO_TEST_SUITE_END()
