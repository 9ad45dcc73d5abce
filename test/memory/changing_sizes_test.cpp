// Sizes change with time: slabs of one class are used again for another.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Control.hpp>
#include <iterator>
#include <span>

#include "support/Blocks.hpp"
#include "support/InChild.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(changing_sizes)

namespace {

using namespace flux::test;

constexpr std::size_t kDayBytes = 64 * kMiB;  // that live at once, on each day

// What the small objects of one class may keep from other classes: when they were freed in random order, each
// of those left in a bin that has shrunk to an eighth of its 2,048 places lies in another slab.
constexpr std::size_t kOneBin = 2048 / 8 * 64 * kKiB;

// Days that follow each other in a child process.
class Days {
 public:
  explicit Days(std::size_t retention_limit) { flux::set_retention_limit(retention_limit); }

  /// A day: objects live, a random tenth of them is freed and made again each hour, and in the end all are
  /// freed. The resident bytes before that, above those before the first day.
  template <std::size_t Bytes>
  std::size_t live(std::size_t hours = scaled(24)) {
    const auto blocks = std::span(objects_).first(scaled(kDayBytes) / Bytes);
    make_blocks<Bytes>(blocks);
    for (std::size_t hour = 0; hour != hours; ++hour) {
      const auto renewed = draw(blocks, blocks.size() / 10, random_);
      drop_blocks<Bytes>(renewed);
      make_blocks<Bytes>(renewed);
    }
    const std::size_t resident = growth(start_, resident_bytes());
    drop_blocks<Bytes>(draw(blocks, blocks.size(), random_));
    return resident;
  }

 private:
  Random random_;
  Objects objects_ = Objects(scaled(kDayBytes) / 8);
  std::size_t start_ = resident_bytes();
};

struct Figures {
  std::size_t first = 0;  // resident bytes of a day
  std::size_t last = 0;
};

template <std::size_t First, std::size_t Second>
void expect_slabs_of_one_day_to_serve_the_next() {
  for (const std::size_t limit : {std::size_t{0}, 32 * kMiB, flux::kHold}) {
    const Figures figures = in_child([limit] {
      Days days(limit);
      const std::size_t first = days.live<First>();
      return Figures{first, days.live<Second>()};
    });
    BOOST_TEST_MESSAGE("a day of " << First << " bytes: " << figures.first / kKiB << " KiB, a day of "
                                   << Second << ": " << figures.last / kKiB << " KiB");
    if (is_instrumented()) continue;
    BOOST_TEST(figures.first >= kDayBytes);
    BOOST_TEST(figures.last >= kDayBytes);
    BOOST_TEST(figures.last <= figures.first + figures.first / 50 + kOneBin);
  }
}

template <std::size_t... Bytes>
Figures live_a_day_of_each(std::size_t limit) {
  return in_child([limit] {
    Days days(limit);
    const std::size_t resident[] = {days.live<Bytes>(1)...};
    return Figures{*std::begin(resident), *std::rbegin(resident)};
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(slabs_of_a_day_of_32_bytes_serve_a_day_of_40) {
  expect_slabs_of_one_day_to_serve_the_next<32, 40>();
}

BOOST_AUTO_TEST_CASE(slabs_of_a_day_of_small_objects_serve_a_day_of_large_ones) {
  expect_slabs_of_one_day_to_serve_the_next<48, 32 * kKiB>();
}

BOOST_AUTO_TEST_CASE(slabs_of_a_day_of_large_objects_serve_a_day_of_small_ones) {
  expect_slabs_of_one_day_to_serve_the_next<32 * kKiB, 48>();
}

BOOST_AUTO_TEST_CASE(twelve_days_of_twelve_sizes_do_not_add_up) {
  const Figures figures = live_a_day_of_each<8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 128, 160>(0);
  BOOST_TEST_MESSAGE("first day " << figures.first / kKiB << " KiB, twelfth " << figures.last / kKiB
                                  << " KiB");
  if (!is_instrumented()) BOOST_TEST(figures.last <= figures.first + figures.first / 50 + kOneBin);
}

BOOST_AUTO_TEST_SUITE_END()
