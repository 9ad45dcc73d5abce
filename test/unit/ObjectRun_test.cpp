// A run of objects is one word.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/slab/ObjectRun.hpp>
#include <vector>

#include "support/ObjectSets.hpp"

BOOST_AUTO_TEST_SUITE(object_run)

namespace {

using namespace flux::test;
using namespace flux::detail;

// An address as high as they come; nothing lies there.
std::byte* high(std::size_t less) {
  return reinterpret_cast<std::byte*>((kIsNarrow ? ~std::uintptr_t{0} : (std::uintptr_t{1} << 47) - 1) - 7 -
                                      less);
}

}  // namespace

BOOST_AUTO_TEST_CASE(none_is_no_run) {
  BOOST_TEST(ObjectRun::none().is_none());
  BOOST_TEST(ObjectRun::of_word(0).is_none());
  std::byte object;
  BOOST_TEST(!ObjectRun(&object, 0).is_none());
}

BOOST_AUTO_TEST_CASE(one_object_of_any_class_is_a_run) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const ObjectRun run(high(0), c);
    BOOST_TEST((run.first() == high(0) && run.count() == 1));
    BOOST_TEST(run.size_class() == (kIsNarrow ? kNoSizeClass : c));
    BOOST_TEST(ObjectRun::of_word(run.word()).first() == run.first());
  }
}

BOOST_AUTO_TEST_CASE(a_run_knows_its_objects_its_class_and_its_place_whatever_its_length) {
  if (kIsNarrow) return;  // it is of one object
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    std::byte* const first = high(300 << 20);
    const ObjectRun one(first, c);
    for (std::uint32_t count = 1; count <= ObjectRun::kMost; ++count) {
      const ObjectRun run = one.with_more(count - 1);
      BOOST_REQUIRE((run.first() == first && run.count() == count && run.size_class() == c));
      BOOST_REQUIRE(run.place() == one.word());
      BOOST_REQUIRE(ObjectRun::class_of(run.place()) == c);
      BOOST_REQUIRE(run.with_fewer(count - 1).word() == one.word());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_is_visited_in_the_order_of_its_addresses_and_shrinks_at_its_beginning) {
  if (kIsNarrow) return;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t stride = stride_of(c);
    const ObjectRun run = ObjectRun(high(300 << 20), c).with_more(ObjectRun::kMost - 1);
    Objects objects;
    run.for_each([&objects](void* object) { objects.push_back(object); });
    BOOST_REQUIRE(objects.size() == ObjectRun::kMost);
    for (std::size_t i = 0; i != objects.size(); ++i) BOOST_REQUIRE(objects[i] == run.first() + i * stride);
    const ObjectRun rest = run.without_first(ObjectRun::kMost - 2, stride);
    BOOST_TEST(
        (rest.first() == objects[ObjectRun::kMost - 2] && rest.count() == 2 && rest.size_class() == c));
  }
}

BOOST_AUTO_TEST_SUITE_END()
