// A chain carries any number of objects of any size home, in as few of them as there must be.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/Chain.hpp>
#include <memory>
#include <vector>

#include "support/ChainWalk.hpp"
#include "support/ObjectSets.hpp"
#include "support/Pattern.hpp"
#include "support/Random.hpp"

BOOST_AUTO_TEST_SUITE(chain)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kMost = 130;  // objects

// Memory for as many objects of any class, marked, and handed out in random order.
class FreeObjects {
 public:
  explicit FreeObjects(std::size_t stride) : stride_(stride), memory_(new std::byte[kMost * stride]) {
    for (std::size_t i = 0; i != kMost; ++i) objects_.push_back(memory_.get() + i * stride);
    std::ranges::shuffle(objects_, random_);
    for (void* object : objects_) write_mark(object, marked_bytes(), 5);
  }

  Objects first(std::size_t count) const {
    return {objects_.begin(), objects_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  bool is_untouched(const void* object) const { return has_mark(object, marked_bytes(), 5); }

 private:
  std::size_t marked_bytes() const { return std::min<std::size_t>(stride_, 512); }

  std::size_t stride_;
  std::unique_ptr<std::byte[]> memory_;
  Objects objects_;
  Random random_;
};

struct Run {
  Carrier* first = nullptr;
  Carrier* last = nullptr;
  std::size_t posted = 0;
};

Run close(Chain& chain) {
  Run run;
  chain.close([&run](Carrier* first, Carrier* last) { run = {first, last, run.posted + 1}; });
  return run;
}

Chain chain_of(const Objects& objects, std::size_t stride) {
  Chain chain;
  for (void* object : objects) chain.add(object, stride);
  return chain;
}

// As few carriers as can carry so many objects.
std::size_t carriers_needed(std::size_t objects, std::size_t stride) {
  const std::size_t each = 1 + Carrier::carried_by(stride);
  return (objects + each - 1) / each;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_carrier_and_its_places_fit_into_an_object_of_every_class) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t places = Carrier::carried_by(stride_of(c));
    BOOST_TEST(sizeof(Carrier) + places * sizeof(void*) <= stride_of(c));
    BOOST_TEST(
        (places == Carrier::kMostCarried || sizeof(Carrier) + (places + 1) * sizeof(void*) > stride_of(c)));
  }
}

BOOST_AUTO_TEST_CASE(any_number_of_objects_of_any_class_is_carried_whole) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t stride = stride_of(c);
    const FreeObjects objects(stride);
    for (std::size_t count = 1; count <= kMost; ++count) {
      Chain chain = chain_of(objects.first(count), stride);
      const Run run = close(chain);
      BOOST_REQUIRE(is_same_set(objects_of(run.first, stride), objects.first(count)));
      BOOST_REQUIRE(carriers_of(run.first) == carriers_needed(count, stride));
      BOOST_REQUIRE(run.last->following() == nullptr);
    }
  }
}

BOOST_AUTO_TEST_CASE(objects_that_are_carried_are_not_touched) {
  for (unsigned c = 1; c != kSizeClasses; ++c) {
    const std::size_t stride = stride_of(c);
    const FreeObjects objects(stride);
    Chain chain = chain_of(objects.first(kMost), stride);
    const Run run = close(chain);
    const Objects all = objects.first(kMost);
    const auto untouched =
        std::ranges::count_if(all, [&](void* object) { return objects.is_untouched(object); });
    BOOST_TEST(static_cast<std::size_t>(untouched) == kMost - carriers_of(run.first));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_chain_posts_nothing) {
  Chain chain;
  BOOST_TEST(chain.is_empty());
  BOOST_TEST(!chain.is_full());
  BOOST_TEST(close(chain).posted == 0u);
}

BOOST_AUTO_TEST_CASE(a_closed_chain_is_empty_and_can_be_filled_again) {
  const FreeObjects objects(64);
  Chain chain = chain_of(objects.first(100), 64);
  BOOST_TEST(chain.is_full());
  for (const std::size_t count : {1u, 9u, 64u}) {
    BOOST_TEST(close(chain).posted == 1u);
    BOOST_TEST(chain.is_empty());
    BOOST_TEST(!chain.is_full());
    for (void* object : objects.first(count)) chain.add(object, 64);
    BOOST_TEST(!chain.is_empty());
  }
  BOOST_TEST(is_same_set(objects_of(close(chain).first, 64), objects.first(64)));
}

BOOST_AUTO_TEST_CASE(objects_of_several_classes_share_a_chain) {
  const FreeObjects small(16), large(256);
  Objects all;
  Chain chain;
  for (std::size_t i = 0; i != 60; ++i) {
    const bool is_small = i % 3 != 0;
    all.push_back((is_small ? small : large).first(kMost)[i]);
    chain.add(all.back(), is_small ? 16 : 256);
  }
  Objects carried;
  for (Carrier* carrier = close(chain).first; carrier != nullptr; carrier = carrier->following()) {
    const bool is_small = std::ranges::count(small.first(kMost), static_cast<void*>(carrier)) != 0;
    Carrier* const rest = carrier->following();
    carrier->link(nullptr);
    const Objects some = objects_of(carrier, is_small ? 16 : 256);
    carrier->link(rest);
    carried.insert(carried.end(), some.begin(), some.end());
  }
  BOOST_TEST(is_same_set(carried, all));
}

BOOST_AUTO_TEST_CASE(a_chain_is_full_at_64_objects_or_64_KiB) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t stride = stride_of(c);
    const std::size_t weight = std::max<std::size_t>(stride, 1024);
    const std::size_t full_at = ((std::size_t{64} << 10) + weight - 1) / weight;
    const FreeObjects objects(stride);
    Chain chain = chain_of(objects.first(full_at - 1), stride);
    BOOST_TEST(!chain.is_full());
    chain.add(objects.first(full_at).back(), stride);
    BOOST_TEST(chain.is_full());
  }
}

BOOST_AUTO_TEST_SUITE_END()
