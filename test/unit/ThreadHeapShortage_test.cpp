// When memory is out, a heap brings home all it can reach before it refuses.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/ThreadHeap.hpp>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"

BOOST_AUTO_TEST_SUITE(thread_heap_shortage)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kSmall = 7;   // 64 bytes
constexpr unsigned kLarge = 47;  // 1,024 bytes

/// All objects of the class that the heap has while the system gives it nothing more.
Objects pop_all(ThreadHeap& heap, unsigned size_class) {
  return pop_many(heap, size_class, static_cast<std::size_t>(-1));
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_other_threads_freed_serves_another_class) {
  OwnHeap heap;
  heap.pages().fail_from(1);
  Objects objects = pop_all(*heap, kSmall);
  Random random;
  std::shuffle(objects.begin(), objects.end(), random);
  post_all(*heap, objects, kSmall);
  const Objects large = pop_all(*heap, kLarge);
  BOOST_TEST(large.size() > objects.size() * 64 / 1024 * 9 / 10);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_lies_in_bins_serves_another_class, *flux::test::plain_only()) {
  OwnHeap heap;
  heap.pages().fail_from(1);
  for (unsigned c = 0; c != kSmallClasses; ++c) {
    const Objects objects = pop_all(*heap, c);
    BOOST_TEST(!objects.empty(), "class " << c);
    push_all(*heap, objects, c);
  }
  BOOST_TEST(census_of(*heap).away() == 0u);
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_SUITE_END()
