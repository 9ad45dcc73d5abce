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
#include "support/Order.hpp"
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

Chain chain_of(const Objects& objects, unsigned size_class) {
  Chain chain;
  for (void* object : objects) chain.add_apart(object, size_class);
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
    auto* const carrier = ::new (static_cast<void*>(memory)) Carrier(next, 88);
    if (!kIsNarrow) Carrier::grow(carrier->link(), 0);
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

BOOST_AUTO_TEST_CASE(neighbours_share_a_word_whichever_way_they_come) {
  if (kIsNarrow) return;  // there are none
  Random random;
  for (unsigned c = 1; c != kSizeClasses; ++c)  // 8 bytes have no place
    for (const Order order : kOrders) {
      const FreeObjects objects(c);
      std::size_t first = 65, end = 66;
      Chain chain;
      chain.add_apart(objects.at(40), c);  // the carrier
      chain.add_apart(objects.at(first), c);
      Objects added{objects.at(40), objects.at(first)};
      while (!chain.is_full()) {
        const bool is_up = order == Order::kSame || (order == Order::kRandom && random.below(2) == 0);
        added.push_back(objects.at(is_up ? end++ : --first));
        BOOST_REQUIRE(chain.add_neighbour(added.back(), c));
      }
      const Closed closed = close(chain);
      BOOST_REQUIRE(is_same_set(objects_of(closed.first, stride_of(c)), added));
      BOOST_REQUIRE(carriers_of(closed.first) == carriers_needed(2, stride_of(c)));
    }
}

BOOST_AUTO_TEST_CASE(what_follows_a_carrier_belongs_to_its_run_and_what_comes_before_does_not) {
  if (kIsNarrow) return;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const FreeObjects objects(c);
    Chain chain;
    chain.add_apart(objects.at(40), c);
    BOOST_TEST(!chain.add_neighbour(objects.at(39), c));  // the carrier's word says where the next one lies
    BOOST_TEST(chain.add_neighbour(objects.at(41), c));
    const Closed closed = close(chain);
    BOOST_TEST(is_same_set(objects_of(closed.first, stride_of(c)), {objects.at(40), objects.at(41)}));
    BOOST_TEST(closed.first->own().count() == 2u);
  }
}

BOOST_AUTO_TEST_CASE(nothing_else_is_a_neighbour) {
  const FreeObjects objects(7);
  Chain chain;
  for (const unsigned c : {0u, 7u, kSizeClasses - 1}) BOOST_TEST(!chain.add_neighbour(objects.at(0), c));
  chain.add_apart(objects.at(40), 7);
  chain.add_apart(objects.at(10), 7);
  for (const std::size_t index : {0u, 8u, 10u, 12u, 39u, 41u})
    BOOST_TEST(!chain.add_neighbour(objects.at(index), 7));
  for (const unsigned c : {0u, 6u, 8u, 15u}) {
    BOOST_TEST(!chain.add_neighbour(objects.at(11), c));
    BOOST_TEST(!chain.add_neighbour(objects.at(10) - stride_of(c), c));
  }
  close(chain);
  BOOST_TEST(!chain.add_neighbour(objects.at(11), 7));
}

BOOST_AUTO_TEST_CASE(neighbours_take_as_much_room_as_any_object) {
  if (kIsNarrow) return;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const FreeObjects objects(c);
    Chain chain = chain_of({objects.at(0)}, c), apart = chain_of({objects.at(0)}, c);
    for (std::size_t i = 1; !apart.is_full(); ++i) {
      BOOST_REQUIRE(!chain.is_full());
      BOOST_REQUIRE(chain.add_neighbour(objects.at(i), c));
      apart.add_apart(objects.at(i), c);
    }
    BOOST_TEST(chain.is_full());
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
    for (void* object : objects.first(count)) chain.add_apart(object, 7);
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
    chain.add_apart(all.back(), is_small ? 1 : 31);
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
    chain.add_apart(objects.first(full_at).back(), c);
    BOOST_TEST(chain.is_full());
  }
}

BOOST_AUTO_TEST_SUITE_END()
