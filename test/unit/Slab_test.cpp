// A slab gives out its objects from the lowest address up, takes them back in any order, and keeps count.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/slab/Slab.hpp>
#include <memory>
#include <new>
#include <set>
#include <vector>

#include "support/Death.hpp"
#include "support/ObjectSets.hpp"
#include "support/Order.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(slab)

namespace {

using namespace flux::test;
using namespace flux::detail;

// A slab with its record and memory, all objects home.
class OwnSlab {
 public:
  explicit OwnSlab(unsigned size_class)
      : bytes_(kSizeClassInfo[size_class].units * kUnitBytes),
        memory_(static_cast<std::byte*>(::operator new (bytes_, std::align_val_t{kUnitBytes}))) {
    record_.carve(memory_.get(), size_class);
  }

  Slab* operator->() { return &record_; }
  std::byte* begin() { return memory_.get(); }
  std::byte* end() { return memory_.get() + bytes_; }
  void* object(std::size_t index) { return record_.objects + index * record_.stride; }

  Objects all() {
    Objects objects;
    for (std::size_t i = 0; i != record_.capacity; ++i) objects.push_back(object(i));
    return objects;
  }

  /// Takes at most `most` objects, in the order in which a bin would hand them out.
  Objects take(std::size_t most) { return take(most, most); }
  /// The same; takes such as lie scattered only while it has fewer than `enough`.
  Objects take(std::size_t most, std::size_t enough) {
    Objects stack(most + 1, nullptr);
    void** const end = stack.data() + stack.size();
    void** const low = record_.take(end - most, end - static_cast<std::ptrdiff_t>(enough), end);
    return {stack.rbegin(), stack.rbegin() + (end - low)};
  }

  /// Brings objects home; how many of them the slab took.
  std::size_t put(Objects objects) {
    return static_cast<std::size_t>(record_.put(objects.data(), objects.data() + objects.size()) -
                                    objects.data());
  }

 private:
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete (memory, std::align_val_t{kUnitBytes}); }
  };

  Slab record_{};
  std::size_t bytes_;
  std::unique_ptr<std::byte, Free> memory_;
};

// Whether a record that `corrupt` was done to is refused, and was accepted before.
template <class Corrupt>
bool is_refused_after(Corrupt corrupt) {
  OwnSlab slab(5);
  slab.take(100);
  const bool was_valid = slab->is_valid();
  corrupt(*slab.operator->());
  return was_valid && !slab->is_valid();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_slab_is_carved_with_all_objects_home) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    OwnSlab slab(c);
    BOOST_TEST(slab->is_valid());
    BOOST_TEST(slab->free == kSizeClassInfo[c].capacity);
    BOOST_TEST(slab->capacity == kSizeClassInfo[c].capacity);
    BOOST_TEST(slab->stride == stride_of(c));
  }
}

BOOST_AUTO_TEST_CASE(a_slab_holds_its_objects_to_their_last_byte_and_nothing_beside_them) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    OwnSlab slab(c);
    auto* const first = static_cast<std::byte*>(slab.object(0));
    auto* const last = static_cast<std::byte*>(slab.object(slab->capacity)) - 1;
    BOOST_TEST(first >= slab.begin());
    BOOST_TEST(last < slab.end());
    BOOST_TEST(slab->holds(first));
    BOOST_TEST(slab->holds(last));
    BOOST_TEST(!slab->holds(first - 1));
    BOOST_TEST(!slab->holds(last + 1));
  }
}

BOOST_AUTO_TEST_CASE(taking_all_hands_out_every_object_in_address_order) {
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    OwnSlab slab(c);
    BOOST_TEST((slab.take(slab->capacity + 5) == slab.all()));
    BOOST_TEST(slab->free == 0u);
    BOOST_TEST(slab->is_valid());
    BOOST_TEST(slab.take(1).empty());
  }
}

BOOST_AUTO_TEST_CASE(taking_any_number_takes_no_more_and_goes_on_where_it_stopped) {
  for (const unsigned c : {0u, 1u, 2u, 7u, 31u, 40u, 87u})
    for (const std::size_t most : {1u, 2u, 15u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 129u, 500u}) {
      OwnSlab slab(c);
      Objects taken;
      while (slab->free != 0) {
        const std::size_t expected = std::min<std::size_t>(most, slab->free);
        const Objects some = slab.take(most);
        BOOST_REQUIRE(some.size() == expected);
        taken.insert(taken.end(), some.begin(), some.end());
      }
      BOOST_TEST((taken == slab.all()));
      BOOST_TEST(slab->is_valid());
    }
}

BOOST_AUTO_TEST_CASE(a_take_goes_on_past_enough_with_whole_words_and_stops_at_the_first_bit_that_lies_alone) {
  OwnSlab slab(3);
  slab.take(64 * 10);
  slab.put({slab.object(64 * 5 + 7), slab.object(64 * 7)});
  BOOST_TEST((slab.take(400, 0).empty()));  // two bits lie before the whole words
  BOOST_TEST((slab.take(400, 1) == Objects{slab.object(64 * 5 + 7)}));
  const Objects some = slab.take(400, 2);
  BOOST_TEST(some.size() == 400u);
  BOOST_TEST(some.front() == slab.object(64 * 7));
  BOOST_TEST(some[1] == slab.object(64 * 10));
  BOOST_TEST(some.back() == slab.object(64 * 10 + 398));
  BOOST_TEST(slab->is_valid());
}

BOOST_AUTO_TEST_CASE(the_last_objects_of_a_slab_are_not_left_for_a_take_of_their_own) {
  for (const unsigned c : {4u, 6u, 40u, 87u}) {
    OwnSlab slab(c);
    BOOST_TEST_REQUIRE(slab->capacity % 64 != 0u);
    BOOST_TEST((slab.take(slab->capacity, 0) == slab.all()));
    BOOST_TEST(slab->is_valid());
  }
}

BOOST_AUTO_TEST_CASE(taking_none_changes_nothing) {
  OwnSlab slab(3);
  BOOST_TEST(slab.take(0).empty());
  BOOST_TEST(slab->free == slab->capacity);
  BOOST_TEST(slab->is_valid());
}

BOOST_AUTO_TEST_CASE(what_is_put_back_in_any_order_comes_out_in_address_order) {
  Random random;
  for (unsigned c = 0; c != kSizeClasses; ++c)
    for (const Order order : kOrders) {
      OwnSlab slab(c);
      Objects objects = slab.take(slab->capacity);
      arrange(objects, order, random);
      BOOST_TEST(slab.put(objects) == objects.size());
      BOOST_TEST(slab->is_valid());
      BOOST_TEST(slab->free == slab->capacity);
      BOOST_TEST((slab.take(slab->capacity) == slab.all()));
    }
}

BOOST_AUTO_TEST_CASE(objects_put_back_one_at_a_time_are_counted_one_at_a_time) {
  Random random;
  for (const Order order : kOrders) {
    OwnSlab slab(20);
    Objects objects = slab.take(slab->capacity);
    arrange(objects, order, random);
    for (std::uint32_t i = 0; i != slab->capacity; ++i) {
      BOOST_REQUIRE(slab->free == i);
      slab.put({objects[i]});
      BOOST_REQUIRE(slab->is_valid());
    }
  }
}

BOOST_AUTO_TEST_CASE(after_any_takes_and_puts_the_lowest_objects_at_home_come_first) {
  Random random;
  for (std::size_t round = 0; round != scaled(200); ++round) {
    OwnSlab slab(static_cast<unsigned>(random.below(kSizeClasses)));
    const Objects all = slab.all();
    std::set<void*> home(all.begin(), all.end());
    Objects out;
    for (int step = 0; step != 20; ++step) {
      const Objects taken = slab.take(random.below(slab->capacity));
      const Objects expected(home.begin(),
                             std::next(home.begin(), static_cast<std::ptrdiff_t>(taken.size())));
      BOOST_REQUIRE((taken == expected));
      home.erase(home.begin(), std::next(home.begin(), static_cast<std::ptrdiff_t>(taken.size())));
      out.insert(out.end(), taken.begin(), taken.end());
      if (out.empty()) continue;
      std::ranges::shuffle(out, random);
      const auto kept = static_cast<std::ptrdiff_t>(random.below(out.size()));
      const Objects back(out.begin() + kept, out.end());
      slab.put(back);
      home.insert(back.begin(), back.end());
      out.resize(static_cast<std::size_t>(kept));
      BOOST_REQUIRE(slab->is_valid());
      BOOST_REQUIRE(slab->free == home.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_put_stops_at_the_first_object_of_another_slab) {
  OwnSlab slab(2), other(2);
  Objects mine = slab.take(200);
  const Objects others = other.take(3);
  for (const std::size_t before : {1u, 63u, 64u, 65u, 100u}) {
    Objects mixed(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(before));
    mixed.insert(mixed.end(), others.begin(), others.end());
    mixed.push_back(mine.back());
    BOOST_TEST(slab.put(mixed) == before);
    BOOST_TEST(slab->is_valid());
    BOOST_TEST(slab->free == slab->capacity - 200 + before);
    slab.take(before);
  }
}

BOOST_AUTO_TEST_CASE(neighbours_put_back_upwards_or_downwards_bring_no_other_object_home) {
  for (const unsigned c : {0u, 1u, 7u})
    for (std::size_t length = 1; length != 52; ++length)
      for (std::size_t apart = 0; apart != 2 * length; ++apart) {
        OwnSlab slab(c);
        const Objects all = slab.take(slab->capacity);
        Objects row(all.begin() + 70, all.begin() + 70 + static_cast<std::ptrdiff_t>(length));
        row[apart / 2] = all[3];  // in the middle of a block, or at either end of one
        if (apart % 2 != 0) std::reverse(row.begin(), row.end());
        BOOST_REQUIRE(slab.put(row) == length);
        BOOST_REQUIRE(slab->is_valid());
        std::sort(row.begin(), row.end());
        BOOST_REQUIRE((slab.take(slab->capacity) == row));
      }
}

BOOST_AUTO_TEST_CASE(a_row_of_neighbours_ends_where_the_slab_does_although_the_addresses_go_on) {
  for (const std::size_t length : {2u, 3u, 15u, 16u, 17u, 33u, 70u})
    for (std::size_t inside = 1; inside != length; ++inside)
      for (const bool upwards : {true, false}) {
        OwnSlab slab(7);
        // So that the objects of the slabs below and above go on where its own end.
        BOOST_REQUIRE(slab.begin() == slab.object(0));
        BOOST_REQUIRE(slab.end() == slab.object(slab->capacity));
        const Objects all = slab.take(slab->capacity);
        auto next = reinterpret_cast<std::uintptr_t>(upwards ? all[all.size() - inside] : all[inside - 1]);
        Objects row, expected;
        for (std::size_t i = 0; i != length; ++i) {
          row.push_back(reinterpret_cast<void*>(next));
          next += upwards ? slab->stride : -std::uintptr_t{slab->stride};
        }
        expected.assign(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(inside));
        std::sort(expected.begin(), expected.end());
        BOOST_REQUIRE(slab.put(row) == inside);
        BOOST_REQUIRE(slab->is_valid());
        BOOST_REQUIRE(slab->free == inside);
        BOOST_REQUIRE((slab.take(slab->capacity) == expected));
      }
}

BOOST_AUTO_TEST_CASE(an_object_put_back_twice_ends_the_program) {
  for (const std::size_t index : {0u, 1u, 63u, 64u, 99u})
    BOOST_TEST(aborts_with("double free", [index] {
      OwnSlab slab(4);
      const Objects objects = slab.take(100);
      slab.put({objects[index]});
      slab.put({objects[index]});
    }));
}

BOOST_AUTO_TEST_CASE(an_object_that_is_twice_in_one_run_ends_the_program) {
  for (const std::size_t between : {0u, 1u, 62u, 64u, 90u})
    BOOST_TEST(aborts_with("double free", [between] {
      OwnSlab slab(4);
      Objects objects = slab.take(100);
      objects.resize(between + 1);
      objects.push_back(objects.front());
      slab.put(objects);
    }));
}

BOOST_AUTO_TEST_CASE(an_object_that_was_never_handed_out_cannot_be_put_back) {
  BOOST_TEST(aborts_with("double free", [] {
    OwnSlab slab(4);
    slab.put({slab.object(slab->capacity - 1)});
  }));
}

BOOST_AUTO_TEST_CASE(a_record_whose_counters_disagree_is_not_valid) {
  BOOST_TEST(is_refused_after([](Slab& slab) { ++slab.free; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { --slab.free; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.bitmap[0] |= 1; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.bitmap[10] &= slab.bitmap[10] - 1; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { ++slab.first_word; }));
  BOOST_TEST(is_refused_after([](Slab& slab) { slab.capacity = slab.free - 1; }));
}

BOOST_AUTO_TEST_SUITE_END()
