// The size classes: every size and alignment is served, little is wasted, and the figures of each class
// agree.
#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/base/SizeClass.hpp>

#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(size_class)

namespace {

using namespace flux::test;
using namespace flux::detail;

template <class Predicate>
bool holds_for_sizes_from(std::size_t first, Predicate predicate) {
  for (std::size_t size = first; size <= kLargestObject; ++size)
    if (!predicate(size)) return false;
  return true;
}

template <class Predicate>
bool holds_for_classes(Predicate predicate) {
  for (unsigned c = 0; c != kSizeClasses; ++c)
    if (!predicate(c)) return false;
  return true;
}

static_assert(size_class_of(24) == 2 && stride_of(2) == 24, "known at compile time");

std::size_t slab_bytes(unsigned size_class) { return kSizeClassInfo[size_class].units * kUnitBytes; }

// The largest alignment that a multiple of the stride always has, of those that are served.
std::size_t alignment_of(unsigned size_class) {
  return std::min(std::size_t{1} << std::countr_zero(stride_of(size_class)), kLargestAlignment);
}

bool divides_exactly(std::size_t offset, unsigned size_class) {
  const SizeClassInfo& info = kSizeClassInfo[size_class];
  return (offset * info.reciprocal) >> kReciprocalShift == offset / info.stride;
}

// Every offset; where that takes too long, those around each multiple of the stride: in between the quotient,
// which only grows, cannot change and change back.
bool divides_exactly(unsigned size_class) {
  const std::size_t stride = stride_of(size_class);
  const std::size_t step = is_instrumented() ? stride : 1;
  for (std::size_t offset = 0; offset < slab_bytes(size_class); offset += step)
    if (!divides_exactly(offset, size_class) || !divides_exactly(offset + step - 1, size_class)) return false;
  return true;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_size_gets_the_smallest_class_that_holds_it) {
  BOOST_TEST(holds_for_sizes_from(0, [](std::size_t size) {
    const unsigned found = size_class_of(size);
    return found < kSizeClasses && stride_of(found) >= size && (found == 0 || stride_of(found - 1) < size);
  }));
  BOOST_TEST(size_class_of(kLargestSmallObject) == kSmallClasses - 1);
}

BOOST_AUTO_TEST_CASE(strides_go_up_by_8_bytes_to_256_and_on_to_1_MiB) {
  BOOST_TEST(holds_for_classes(
      [](unsigned c) { return c < 32 ? stride_of(c) == 8 * (c + 1) : stride_of(c) > stride_of(c - 1); }));
  BOOST_TEST(stride_of(kSmallClasses - 1) == std::size_t{32} << 10);
  BOOST_TEST(stride_of(kSizeClasses - 1) == std::size_t{1} << 20);
}

BOOST_AUTO_TEST_CASE(sizes_beyond_256_bytes_waste_at_most_an_eighth) {
  BOOST_TEST(holds_for_sizes_from(257, [](std::size_t size) {
    const std::size_t stride = stride_of(size_class_of(size));
    return 8 * (stride - size) <= stride;
  }));
}

BOOST_AUTO_TEST_CASE(every_alignment_to_4096_gets_the_smallest_class_that_serves_it) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    unsigned expected = 0;
    BOOST_TEST(holds_for_sizes_from(0, [&](std::size_t size) {
      const auto serves = [&](unsigned c) { return stride_of(c) >= size && stride_of(c) % alignment == 0; };
      while (!serves(expected)) ++expected;
      return size_class_of(size, alignment, kLargestObject) == expected &&
             size_class_of(size, alignment) == (size <= kLargestSmallObject ? expected : kNoSizeClass);
    }));
  }
}

BOOST_AUTO_TEST_CASE(no_class_serves_what_is_too_large_or_aligned_beyond_4096) {
  BOOST_TEST(size_class_of(kLargestSmallObject + 1, 1) == kNoSizeClass);
  BOOST_TEST(size_class_of(kLargestObject + 1, 1, kLargestObject) == kNoSizeClass);
  BOOST_TEST(size_class_of(SIZE_MAX, 1) == kNoSizeClass);
  BOOST_TEST(size_class_of(1, 2 * kLargestAlignment) == kNoSizeClass);
  BOOST_TEST(size_class_of(0, SIZE_MAX / 2 + 1) == kNoSizeClass);
}

BOOST_AUTO_TEST_CASE(a_slab_is_the_smallest_power_of_two_of_units_that_holds_16_objects_but_2_MiB_at_most) {
  BOOST_TEST(holds_for_classes([](unsigned c) {
    const SizeClassInfo& info = kSizeClassInfo[c];
    const bool is_smallest = info.units == 1 || slab_bytes(c) / 2 < 16 * stride_of(c);
    const bool is_largest = slab_bytes(c) == std::size_t{2} << 20 && c >= kSmallClasses;
    return info.stride == stride_of(c) && std::has_single_bit(info.units) &&
           (info.capacity >= 16 || (is_largest && info.capacity >= 2)) && is_smallest;
  }));
}

BOOST_AUTO_TEST_CASE(a_slab_is_full_of_objects_to_its_end) {
  BOOST_TEST(holds_for_classes([](unsigned c) {
    const SizeClassInfo& info = kSizeClassInfo[c];
    const std::size_t end = info.first_object + std::size_t{info.capacity} * info.stride;
    return end <= slab_bytes(c) && slab_bytes(c) - end < info.stride;
  }));
}

BOOST_AUTO_TEST_CASE(the_first_object_has_every_alignment_that_the_class_serves) {
  BOOST_TEST(
      holds_for_classes([](unsigned c) { return kSizeClassInfo[c].first_object % alignment_of(c) == 0; }));
}

BOOST_AUTO_TEST_CASE(the_bitmap_fits_into_the_record_or_in_front_of_the_first_object) {
  BOOST_TEST(holds_for_classes([](unsigned c) {
    const SizeClassInfo& info = kSizeClassInfo[c];
    const std::size_t words = (info.capacity + 63) / 64;
    return info.first_object == 0 ? words <= kSlabBitmapWords : words * 8 <= info.first_object;
  }));
}

BOOST_AUTO_TEST_CASE(the_reciprocal_divides_every_offset_of_a_slab_exactly) {
  BOOST_TEST(holds_for_classes([](unsigned c) { return divides_exactly(c); }));
}

BOOST_AUTO_TEST_CASE(
    a_bin_holds_at_most_128_KiB_and_2048_objects_but_at_least_8_or_2_large_ones_and_is_refilled_to_an_eighth) {
  BOOST_TEST(holds_for_classes([](unsigned c) {
    const SizeClassInfo& info = kSizeClassInfo[c];
    if (c >= kSmallClasses) return info.bin_capacity == 2 && info.bin_refill == 1;
    const bool is_small_enough = info.bin_capacity * stride_of(c) <= std::size_t{128} << 10;
    return info.bin_capacity >= 8 && info.bin_capacity <= 2048 && info.bin_capacity % 8 == 0 &&
           (is_small_enough || info.bin_capacity == 8) && info.bin_refill == info.bin_capacity / 8;
  }));
}

BOOST_AUTO_TEST_SUITE_END()
