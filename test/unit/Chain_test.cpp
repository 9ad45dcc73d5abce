// A chain carries any number of objects of any size home, alone or in runs, in as few of them as there must be.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/Chain.hpp>
#include <memory>
#include <new>
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
  explicit FreeObjects(unsigned size_class)
      : stride_(stride_of(size_class)), memory_(new std::byte[kMost * stride_]) {
    for (std::size_t i = 0; i != kMost; ++i) objects_.push_back(at(i));
    std::ranges::shuffle(objects_, random_);
    for (void* object : objects_) write_mark(object, marked_bytes(), 5);
  }

  Objects first(std::size_t count) const {
    return {objects_.begin(), objects_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  /// In the order of their addresses.
  std::byte* at(std::size_t index) const { return memory_.get() + index * stride_; }
  bool is_untouched(const void* object) const { return has_mark(object, marked_bytes(), 5); }

 private:
  std::size_t marked_bytes() const { return std::min<std::size_t>(stride_, 512); }

  std::size_t stride_;
  std::unique_ptr<std::byte[]> memory_;
  Objects objects_;
  Random random_;
};

struct Closed {
  Carrier* first = nullptr;
  Carrier* last = nullptr;
  std::size_t posted = 0;
};

Closed close(Chain& chain) {
  Closed closed;
  chain.close([&closed](Carrier* first, Carrier* last) { closed = {first, last, closed.posted + 1}; });
  return closed;
}

void add(Chain& chain, void* object, unsigned size_class, std::uint32_t count = 1) {
  chain.add(ObjectRun(object, size_class).with_more(count - 1), count, size_class);
}

Chain chain_of(const Objects& objects, unsigned size_class) {
  Chain chain;
  for (void* object : objects) add(chain, object, size_class);
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

BOOST_AUTO_TEST_CASE(a_carrier_keeps_its_own_run_when_its_chain_ends) {
  alignas(std::max_align_t) std::byte memory[128];
  auto* const next = reinterpret_cast<Carrier*>(memory + 64);
  for (Carrier* const rest : {static_cast<Carrier*>(nullptr), next}) {
    auto* const carrier =
        ::new (static_cast<void*>(memory)) Carrier(next, ObjectRun(memory, 88).with_more(kIsNarrow ? 0 : 1));
    BOOST_TEST((carrier->following() == next && !carrier->ends_chain()));
    carrier->end_chain(rest);
    BOOST_TEST((carrier->following() == rest && carrier->ends_chain()));
    BOOST_TEST(carrier->own().first() == memory);
    BOOST_TEST(carrier->own().count() == (kIsNarrow ? 1u : 2u));
    BOOST_TEST(carrier->own().size_class() == (kIsNarrow ? kNoSizeClass : 88u));
  }
}

BOOST_AUTO_TEST_CASE(any_number_of_objects_of_any_class_is_carried_whole) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t stride = stride_of(c);
    const FreeObjects objects(c);
    for (std::size_t count = 1; count <= kMost; ++count) {
      Chain chain = chain_of(objects.first(count), c);
      const Closed closed = close(chain);
      BOOST_REQUIRE(is_same_set(objects_of(closed.first, stride), objects.first(count)));
      BOOST_REQUIRE(carriers_of(closed.first) == carriers_needed(count, stride));
      BOOST_REQUIRE(closed.last->following() == nullptr);
    }
  }
}

BOOST_AUTO_TEST_CASE(runs_are_carried_whole_a_word_for_each_and_take_as_much_room_as_their_objects) {
  if (kIsNarrow) return;  // there are none
  Random random;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const FreeObjects objects(c), others(c);
    Chain chain, apart;
    Objects added;
    std::size_t runs = 0;
    for (std::size_t at = 0; !chain.is_full(); ++runs) {
      const auto count = static_cast<std::uint32_t>(1 + random.below(10));
      add(chain, objects.at(at), c, count);
      for (std::uint32_t i = 0; i != count; ++i) {
        added.push_back(objects.at(at + i));
        if (!apart.is_full()) add(apart, others.at(at + i), c);
      }
      BOOST_REQUIRE(chain.is_full() == apart.is_full());
      at += count + 1;
    }
    const Closed closed = close(chain);
    BOOST_REQUIRE(is_same_set(objects_of(closed.first, stride_of(c)), added));
    BOOST_REQUIRE(carriers_of(closed.first) == carriers_needed(runs, stride_of(c)));
  }
}

BOOST_AUTO_TEST_CASE(above_the_last_run_and_below_the_last_object_is_beside_and_nothing_else) {
  const FreeObjects objects(7);
  Chain chain;
  for (const std::size_t before : {0u, 1u, 9u}) {  // a carrier, and places
    for (std::size_t i = 0; i != before; ++i) add(chain, objects.at(100 + 2 * i), 7);
    add(chain, objects.at(40), 7);
    for (std::size_t i = 0; i != 60; ++i)
      BOOST_TEST(chain.ends_beside(objects.at(i), 7) == (!kIsNarrow && (i == 39 || i == 41)));
    for (const unsigned c : {0u, 6u, 8u, 15u}) {
      BOOST_TEST(!chain.ends_beside(objects.at(41), c));
      BOOST_TEST(!chain.ends_beside(objects.at(40) - stride_of(c), c));
    }
    if (kIsNarrow) continue;
    add(chain, objects.at(40), 7, 3);
    for (std::size_t i = 0; i != 60; ++i) BOOST_TEST(chain.ends_beside(objects.at(i), 7) == (i == 43));
  }
  close(chain);
  BOOST_TEST(!chain.ends_beside(objects.at(41), 7));
}

BOOST_AUTO_TEST_CASE(what_was_added_last_can_be_taken_back) {
  if (kIsNarrow) return;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const FreeObjects objects(c);
    for (std::size_t before = 0; before != 40; ++before) {
      Objects others = objects.first(kMost);
      std::erase(others, objects.at(60));
      others.resize(before);
      Chain chain = chain_of(others, c);
      const Chain as_it_was = chain;
      const auto count = static_cast<std::uint32_t>(1 + before % 3);
      add(chain, objects.at(60), c, count);
      BOOST_REQUIRE(chain.ends_beside(objects.at(60 + count), c));
      const ObjectRun run = chain.take_last(c);
      BOOST_REQUIRE((run.first() == objects.at(60) && run.count() == count && run.size_class() == c));
      BOOST_REQUIRE(!chain.ends_beside(objects.at(60 + count), c));
      BOOST_REQUIRE(chain.is_empty() == (before == 0));
      BOOST_REQUIRE(chain.is_full() == as_it_was.is_full());
      if (!chain.is_full() && before != 0) add(chain, objects.at(60), c), others.push_back(objects.at(60));
      const Closed closed = close(chain);
      BOOST_REQUIRE(is_same_set(objects_of(closed.first, stride_of(c)), others));
      BOOST_REQUIRE(carriers_of(closed.first) == carriers_needed(others.size(), stride_of(c)));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_run_grows_upwards_to_two_and_from_three_to_64_and_takes_its_room) {
  if (kIsNarrow) return;
  for (const unsigned c : {1u, 7u, 15u}) {
    const FreeObjects objects(c);
    Chain chain;
    add(chain, objects.at(1), c);
    BOOST_TEST(!chain.grow(objects.at(0), c));
    BOOST_TEST(chain.grow(objects.at(2), c));
    BOOST_TEST(!chain.grow(objects.at(3), c));
    BOOST_TEST((chain.ends_beside(objects.at(3), c) && chain.take_last(c).count() == 2));
    add(chain, objects.at(0), c, 3);
    for (std::size_t count = 3; count != ObjectRun::kMost; ++count) {
      BOOST_REQUIRE(!chain.is_full());
      BOOST_REQUIRE(chain.ends_beside(objects.at(count), c));
      BOOST_REQUIRE(chain.grow(objects.at(count), c));
    }
    BOOST_TEST(chain.is_full());
    BOOST_TEST(!chain.grow(objects.at(ObjectRun::kMost), c));
    BOOST_TEST(close(chain).first->own().count() == ObjectRun::kMost);
  }
}

BOOST_AUTO_TEST_CASE(objects_that_are_carried_are_not_touched) {
  for (unsigned c = 1; c != kSizeClasses; ++c) {
    const FreeObjects objects(c);
    Chain chain = chain_of(objects.first(kMost), c);
    const Closed closed = close(chain);
    const Objects all = objects.first(kMost);
    const auto untouched =
        std::ranges::count_if(all, [&](void* object) { return objects.is_untouched(object); });
    BOOST_TEST(static_cast<std::size_t>(untouched) == kMost - carriers_of(closed.first));
  }
}

BOOST_AUTO_TEST_CASE(an_empty_chain_posts_nothing) {
  Chain chain;
  BOOST_TEST(chain.is_empty());
  BOOST_TEST(!chain.is_full());
  BOOST_TEST(close(chain).posted == 0u);
}

BOOST_AUTO_TEST_CASE(a_closed_chain_is_empty_and_can_be_filled_again) {
  const FreeObjects objects(7);
  Chain chain = chain_of(objects.first(100), 7);
  BOOST_TEST(chain.is_full());
  for (const std::size_t count : {1u, 9u, 64u}) {
    BOOST_TEST(close(chain).posted == 1u);
    BOOST_TEST(chain.is_empty());
    BOOST_TEST(!chain.is_full());
    for (void* object : objects.first(count)) add(chain, object, 7);
    BOOST_TEST(!chain.is_empty());
  }
  BOOST_TEST(is_same_set(objects_of(close(chain).first, 64), objects.first(64)));
}

BOOST_AUTO_TEST_CASE(objects_of_several_classes_share_a_chain) {
  const FreeObjects small(1), large(31);
  Objects all;
  Chain chain;
  for (std::size_t i = 0; i != 60; ++i) {
    const bool is_small = i % 3 != 0;
    all.push_back((is_small ? small : large).first(kMost)[i]);
    add(chain, all.back(), is_small ? 1 : 31);
  }
  Objects carried;
  for (Carrier* carrier = close(chain).first; carrier != nullptr; carrier = carrier->following()) {
    const bool is_small = std::ranges::count(small.first(kMost), static_cast<void*>(carrier)) != 0;
    carrier->for_each_run(Carrier::carried_by(is_small ? 16 : 256), [&carried](ObjectRun run) {
      run.for_each([&carried](void* object) { carried.push_back(object); });
    });
  }
  BOOST_TEST(is_same_set(carried, all));
}

BOOST_AUTO_TEST_CASE(a_chain_is_full_at_64_objects_or_64_KiB) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const std::size_t weight = std::max<std::size_t>(stride_of(c), 1024);
    const std::size_t full_at = ((std::size_t{64} << 10) + weight - 1) / weight;
    const FreeObjects objects(c);
    Chain chain = chain_of(objects.first(full_at - 1), c);
    BOOST_TEST(!chain.is_full());
    add(chain, objects.first(full_at).back(), c);
    BOOST_TEST(chain.is_full());
  }
}

BOOST_AUTO_TEST_SUITE_END()
