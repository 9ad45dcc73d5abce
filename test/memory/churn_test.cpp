// Random shares of what lives are freed and made again: memory does not fragment away.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>

#include "support/Blocks.hpp"
#include "support/InChild.hpp"
#include "support/PlainOnly.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(churn)

namespace {

using namespace flux::test;

struct Course {
  std::size_t objects;
  std::size_t renewed;  // in each cycle, in random order
  std::size_t settling;
  std::size_t cycles;
};

struct Growth {
  std::size_t settled = 0;  // resident bytes above those before the first object, after the settling cycles
  std::size_t most = 0;     // the same, most of all later cycles
};

template <std::size_t Bytes>
Growth growth_of(const Course& course) {
  return in_child([&] {
    Random random;
    Objects blocks(course.objects);
    const std::size_t start = resident_bytes();
    make_blocks<Bytes>(blocks);
    Growth figures;
    for (std::size_t cycle = 0; cycle <= course.cycles; ++cycle) {
      if (cycle % 10 == 0 || course.cycles <= 10)
        figures.most = std::max(figures.most, resident_bytes() - start);
      if (cycle == course.settling) figures.settled = figures.most = resident_bytes() - start;
      const auto renewed = draw(blocks, course.renewed, random);
      drop_blocks<Bytes>(renewed);
      make_blocks<Bytes>(renewed);
    }
    return figures;
  });
}

void expect_at_most_2_percent(const Growth& growth, std::size_t live_bytes) {
  BOOST_TEST_MESSAGE("resident: " << growth.settled / kKiB << " KiB settled, at most " << growth.most / kKiB
                                  << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(growth.settled <= live_bytes + live_bytes / 50 + 2 * kMiB);
  BOOST_TEST(growth.most <= growth.settled + growth.settled / 50);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thousand_shuffled_halves_of_100_000_small_objects_need_2_percent_more_at_most) {
  const std::size_t objects = scaled(100'000);
  expect_at_most_2_percent(growth_of<64>({objects, objects / 2, 10, scaled(1000)}), objects * 64);
}

BOOST_AUTO_TEST_CASE(ten_times_90_percent_of_20_000_objects_of_32_KiB_need_2_percent_more_at_most,
                     *flux::test::plain_only()) {
  const std::size_t objects = scaled(20'000);
  expect_at_most_2_percent(growth_of<32 * kKiB>({objects, objects / 10 * 9, 0, 10}), objects * 32 * kKiB);
}

BOOST_AUTO_TEST_SUITE_END()
