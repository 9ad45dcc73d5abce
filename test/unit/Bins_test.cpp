// The bins' places in memory, and the equations of their levels.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/Bins.hpp>
#include <memory>

BOOST_AUTO_TEST_SUITE(bins)

namespace {

using namespace flux::detail;

// Bins as a new heap has them: empty, with all their places left.
struct OwnBins {
  OwnBins() {
    for (unsigned c = 0; c != kSizeClasses; ++c) bins().bins[c] = {-Bins::capacity(c), -Bins::capacity(c)};
  }
  Bins& bins() { return all->bins; }

  std::unique_ptr<BinsAndStacks> all = std::make_unique<BinsAndStacks>();
};

// Whether bins whose bin 4 was set to `corrupted` are refused, and were accepted before.
bool is_refused(Bin corrupted) {
  OwnBins own;
  const bool was_valid = own.bins().is_valid();
  own.bins().bins[4] = corrupted;
  return was_valid && !own.bins().is_valid();
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_stacks_lie_side_by_side_behind_the_bins) {
  OwnBins own;
  void** expected = own.all->stacks.data();
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    BOOST_TEST(own.bins().stack_end(c) - Bins::capacity(c) == expected);
    expected = own.bins().stack_end(c);
  }
  BOOST_TEST(expected == own.all->stacks.data() + own.all->stacks.size());
}

BOOST_AUTO_TEST_CASE(a_stack_has_room_for_what_its_class_allows) {
  for (unsigned c = 0; c != kSizeClasses; ++c)
    BOOST_TEST(Bins::capacity(c) == static_cast<std::ptrdiff_t>(kSizeClassInfo[c].bin_capacity));
}

BOOST_AUTO_TEST_CASE(they_own_their_range_and_nothing_beside_it) {
  OwnBins own;
  own.bins().main_begin = 1000;
  own.bins().main_bytes = 24;
  const auto is_owned = [&](std::uintptr_t address) {
    return own.bins().owns(reinterpret_cast<void*>(address));
  };
  BOOST_TEST(is_owned(1000));
  BOOST_TEST(is_owned(1023));
  BOOST_TEST(!is_owned(999));
  BOOST_TEST(!is_owned(1024));
  BOOST_TEST(!is_owned(0));
  BOOST_TEST(!is_owned(UINTPTR_MAX));
}

BOOST_AUTO_TEST_CASE(bins_of_zeros_are_empty_and_own_nothing) {
  const Bins zeros{};
  int local = 0;
  BOOST_TEST(!zeros.owns(nullptr));
  BOOST_TEST(!zeros.owns(&local));
  for (const Bin& bin : zeros.bins) BOOST_TEST(bin.level == bin.bottom);
}

BOOST_AUTO_TEST_CASE(levels_that_break_the_equations_are_not_valid) {
  const std::ptrdiff_t capacity = Bins::capacity(4);
  BOOST_TEST(OwnBins().bins().is_valid());
  BOOST_TEST(is_refused({-1, -capacity - 1}));
  BOOST_TEST(is_refused({-capacity, -capacity + 1}));
  BOOST_TEST(is_refused({0, -capacity}));
}

BOOST_AUTO_TEST_SUITE_END()
