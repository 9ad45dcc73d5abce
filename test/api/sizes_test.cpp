// Objects of all sizes: apart from each other, aligned, and untouched by anyone else.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <span>
#include <vector>

#include "support/Kinds.hpp"
#include "support/Pattern.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(sizes)

namespace {

using namespace flux::test;

struct Held {
  const Kind* kind;
  char* address;
  std::size_t count;

  std::size_t bytes() const { return kind->size * count; }
  void free() const { kind->deallocate(address, count); }
};

Held take(const Kind& kind, std::size_t count) {
  Held held{&kind, static_cast<char*>(kind.allocate(count)), count};
  write_mark(held.address, held.bytes(), reinterpret_cast<std::uintptr_t>(held.address));
  return held;
}

std::vector<Held> take_each(std::span<const Kind> kinds, std::size_t times, std::size_t count) {
  std::vector<Held> held;
  for (const Kind& kind : kinds)
    for (std::size_t i = 0; i < times; ++i) held.push_back(take(kind, count));
  return held;
}

bool are_apart(std::vector<Held> held) {
  std::ranges::sort(held, {}, &Held::address);
  return std::ranges::adjacent_find(held, [](const Held& low, const Held& high) {
           return low.address + low.bytes() > high.address;
         }) == held.end();
}

bool are_aligned(const std::vector<Held>& held) {
  return std::ranges::all_of(held,
                             [](const Held& one) { return is_aligned(one.address, one.kind->alignment); });
}

bool are_untouched(const std::vector<Held>& held) {
  return std::ranges::all_of(held, [](const Held& one) {
    return has_mark(one.address, one.bytes(), reinterpret_cast<std::uintptr_t>(one.address));
  });
}

void check_and_free(std::vector<Held> held) {
  BOOST_TEST(are_apart(held));
  BOOST_TEST(are_aligned(held));
  BOOST_TEST(are_untouched(held));
  std::ranges::shuffle(held, Random());
  for (const Held& one : held) one.free();
}

}  // namespace

BOOST_AUTO_TEST_CASE(objects_of_1_to_40000_bytes_lie_apart_and_keep_their_content) {
  check_and_free(take_each(kinds_by_size(), 20, 1));
  check_and_free(take_each(kinds_by_size(), scaled(40), 1));
}

BOOST_AUTO_TEST_CASE(objects_aligned_to_16_to_8192_bytes_lie_apart_and_keep_their_content) {
  check_and_free(take_each(kinds_by_alignment(), 20, 1));
  check_and_free(take_each(kinds_by_alignment(), scaled(40), 1));
}

BOOST_AUTO_TEST_CASE(arrays_lie_apart_are_aligned_and_keep_their_content) {
  for (std::size_t count : {2u, 3u, 17u}) {
    check_and_free(take_each(kinds_by_size(), 2, count));
    check_and_free(take_each(kinds_by_alignment(), 2, count));
  }
}

BOOST_AUTO_TEST_CASE(many_objects_of_one_size_lie_apart_and_keep_their_content) {
  for (std::size_t size : {1u, 8u, 9u, 24u, 40u, 64u, 256u}) {
    const Kind& kind = kinds_by_size(size).back();
    BOOST_TEST(kind.size == size);
    check_and_free(take_each({&kind, 1}, scaled(30'000), 1));
  }
}

BOOST_AUTO_TEST_CASE(a_freed_object_is_handed_out_again) {
  for (const Kind& kind : kinds_by_size(256)) {
    std::vector<void*> seen;
    for (int i = 0; i < 1000; ++i) {
      seen.push_back(kind.allocate(1));
      kind.deallocate(seen.back(), 1);
    }
    std::ranges::sort(seen);
    const auto distinct = std::unique(seen.begin(), seen.end()) - seen.begin();
    BOOST_TEST(distinct <= 10, "size " << kind.size << " went through " << distinct << " objects");
  }
}

BOOST_AUTO_TEST_SUITE_END()
