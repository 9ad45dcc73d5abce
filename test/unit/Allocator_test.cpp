// Where the memory of flux::Allocator comes from: one object from the thread's heap, all else from operator
// new.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/Allocator.hpp>
#include <list>
#include <tuple>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapCensus.hpp"
#include "support/Pattern.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(allocator)

namespace {

using namespace flux::test;
using namespace flux::detail;

template <std::size_t Size, std::size_t Alignment = 1>
struct alignas(Alignment) Block {
  std::byte bytes[Size];
};

using Small = std::tuple<char, short, long, Block<9>, Block<24>, Block<64>, Block<257>, Block<4000>,
                         Block<32'767>, Block<32'768>, Block<1, 16>, Block<1, 64>, Block<65, 64>,
                         Block<4096, 4096>, Block<5000, 4096>, Block<28'673, 4096>>;
using TooLarge = std::tuple<Block<32'769>, Block<100'000>, Block<32'769, 64>>;
using TooAligned = std::tuple<Block<1, 8192>, Block<8193, 8192>, Block<1, 65'536>>;
using Any = decltype(std::tuple_cat(Small{}, TooLarge{}, TooAligned{}));

// Where a new thread gets `count` objects of T from.
template <class T>
struct Origin {
  bool is_from_a_heap = false;
  bool is_usable = false;
  bool is_home_after = true;

  explicit Origin(std::size_t count) {
    FreshHeaps fresh;
    run_thread([&] {
      flux::Allocator<T> allocator;
      T* const objects = allocator.allocate(count);
      write_mark(objects, count * sizeof(T), 3);
      is_from_a_heap = fresh.pages().holds(objects);
      is_usable = is_aligned(objects, alignof(T)) && has_mark(objects, count * sizeof(T), 3);
      if (is_from_a_heap) {
        constexpr unsigned kClass = size_class_of(sizeof(T), alignof(T));
        is_usable = is_usable && is_object_of(*local_heap<>.heap(), objects, kClass);
      }
      allocator.deallocate(objects, count);
      if (ThreadHeap* heap = local_heap<>.heap()) is_home_after = census_of(*heap).away() == 0;
    });
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(one_object_comes_from_the_heap_of_the_thread_and_goes_back_there, T, Small) {
  const Origin<T> origin(1);
  BOOST_TEST(origin.is_from_a_heap);
  BOOST_TEST(origin.is_usable);
  BOOST_TEST(origin.is_home_after);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(arrays_come_from_operator_new, T, Any) {
  for (const std::size_t count : {0u, 2u, 3u, 100u}) {
    const Origin<T> origin(count);
    BOOST_TEST(!origin.is_from_a_heap);
    BOOST_TEST(origin.is_usable);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_object_that_is_too_large_comes_from_operator_new, T, TooLarge) {
  const Origin<T> origin(1);
  BOOST_TEST(!origin.is_from_a_heap);
  BOOST_TEST(origin.is_usable);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_object_aligned_beyond_4096_comes_from_operator_new, T, TooAligned) {
  const Origin<T> origin(1);
  BOOST_TEST(!origin.is_from_a_heap);
  BOOST_TEST(origin.is_usable);
}

BOOST_AUTO_TEST_CASE(a_thread_that_wants_arrays_only_gets_no_heap) {
  FreshHeaps fresh;
  run_thread([] {
    const std::vector<long, flux::Allocator<long>> values(1000, 7);
    BOOST_TEST(values.back() == 7);
    BOOST_TEST(local_heap<>.heap() == nullptr);
  });
  BOOST_TEST(fresh.pages().requests().empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_freed_last_is_allocated_next, T, Small) {
  FreshHeaps fresh;
  run_thread([] {
    flux::Allocator<T> allocator;
    T* const first = allocator.allocate(1);
    T* const second = allocator.allocate(1);
    BOOST_TEST(reinterpret_cast<std::uintptr_t>(second) ==
               reinterpret_cast<std::uintptr_t>(first) + stride_of(size_class_of(sizeof(T), alignof(T))));
    allocator.deallocate(first, 1);
    T* const again = allocator.allocate(1);
    BOOST_TEST(static_cast<void*>(again) == static_cast<void*>(first));
    allocator.deallocate(second, 1);
    allocator.deallocate(again, 1);
  });
}

BOOST_AUTO_TEST_CASE(the_nodes_of_a_list_take_their_own_size_and_no_more) {
  FreshHeaps fresh;
  run_thread([] {
    const std::list<long, flux::Allocator<long>> list(1000, 5);
    BOOST_TEST(census_of(*local_heap<>.heap(), size_class_of(24)).away() == 1000u);
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == 1000u);
  });
  BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
