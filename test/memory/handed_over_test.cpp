// One thread makes, another frees: what is resident is bounded by what lives at once, whoever is faster.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstddef>
#include <flux/Control.hpp>
#include <latch>
#include <thread>
#include <vector>

#include "support/Blocks.hpp"
#include "support/FullCounts.hpp"
#include "support/InChild.hpp"
#include "support/PlainOnly.hpp"
#include "support/Resident.hpp"

BOOST_AUTO_TEST_SUITE(handed_over)

namespace {

using namespace flux::test;

// What may be resident above the peak of what lives: two heaps (300 KiB each), a full bin, chains on their
// way, and a huge page that is only begun.
constexpr std::size_t kSlack = 4 * kMiB;

template <std::size_t Bytes>
class Ring {
 public:
  static constexpr std::size_t kPlaces = std::size_t{1} << 17;

  std::size_t size() const { return put_.load() - taken_.load(); }

  void put(void* block) {
    places_[put_ % kPlaces] = block;
    ++put_;
  }
  void* take() {
    void* const block = places_[taken_ % kPlaces];
    ++taken_;
    return block;
  }

 private:
  std::atomic<std::size_t> put_{0};
  alignas(128) std::atomic<std::size_t> taken_{0};
  alignas(128) Objects places_ = Objects(kPlaces);
};

// Who is faster is a matter of the ring, not of the clock: in turn it is all but full, and all but empty.
template <std::size_t Bytes>
class HandOver {
 public:
  explicit HandOver(std::size_t count) : count_(count), turn_(std::max(count / 16, std::size_t{1})) {}

  /// The most that was resident, above what was before the first object; bytes.
  std::size_t most_resident() {
    run_threads(2, [this](std::size_t index) { index == 0 ? produce() : consume(); });
    return growth(start_, most_);
  }

 private:
  static constexpr std::size_t kNearlyEmpty = Ring<Bytes>::kPlaces / 8;
  static constexpr std::size_t kNearlyFull = Ring<Bytes>::kPlaces - kNearlyEmpty;

  // Asleep, not spinning: the other side may need this processor.
  static void give_way() { std::this_thread::sleep_for(std::chrono::microseconds(50)); }

  bool is_producers_turn(std::size_t number) const { return number / turn_ % 2 == 0; }

  void produce() {
    for (std::size_t made = 0; made != count_; ++made) {
      const std::size_t room = is_producers_turn(made) ? Ring<Bytes>::kPlaces : kNearlyEmpty;
      while (ring_.size() >= room) give_way();
      ring_.put(make_block<Bytes>());
      if (made % (turn_ / 4 + 1) == 0) most_ = std::max(most_, resident_bytes());
    }
    most_ = std::max(most_, resident_bytes());
  }

  void consume() {
    for (std::size_t freed = 0; freed != count_; ++freed) {
      const std::size_t kept = is_producers_turn(freed) ? std::min(kNearlyFull, turn_ - freed % turn_) : 1;
      while (ring_.size() < kept) give_way();
      drop_block<Bytes>(ring_.take());
    }
  }

  std::size_t count_;
  std::size_t turn_;
  Ring<Bytes> ring_;
  std::size_t start_ = resident_bytes();
  std::size_t most_ = start_;
};

template <std::size_t Bytes>
void expect_no_more_than_what_lives(std::size_t count) {
  const std::size_t most = in_child([count] { return HandOver<Bytes>(count).most_resident(); });
  const std::size_t live = Ring<Bytes>::kPlaces * Bytes;
  BOOST_TEST_MESSAGE(count << " objects of " << Bytes << " bytes, at most " << live / kKiB
                           << " KiB alive: at most " << most / kKiB << " KiB resident");
  if (is_instrumented()) return;
  BOOST_TEST(most <= live + kSlack);
}

// A producer makes a peak and sleeps, while another thread frees all of it, and wakes for the next.
struct Sleep {
  std::size_t peak = 0;    // resident bytes above the start, here and below, when all of the first peak lives
  std::size_t asleep = 0;  // the most, when all has been freed and the producer has not yet woken
  std::size_t awake = 0;   // the most, when all of a later peak lives
  std::size_t trimmed = 0;  // after trim() by the other thread while the producer sleeps
};

template <std::size_t Bytes>
Sleep sleep_through(std::size_t count, std::size_t peaks) {
  return in_child([=] {
    Objects blocks(count);
    Sleep sleep;
    const std::size_t start = resident_bytes();
    std::atomic<std::size_t> made{0}, wanted{1};
    std::thread producer([&] {
      for (std::size_t peak = 1; peak <= peaks; ++peak) {
        wanted.wait(peak - 1);
        make_blocks<Bytes>(blocks);
        made = peak;
        made.notify_one();
      }
      wanted.wait(peaks);
    });
    for (std::size_t peak = 1; peak <= peaks; ++peak) {
      made.wait(peak - 1);
      const std::size_t alive = growth(start, resident_bytes());
      (peak == 1 ? sleep.peak : sleep.awake) = std::max(peak == 1 ? std::size_t{0} : sleep.awake, alive);
      drop_blocks<Bytes>(blocks);
      sleep.asleep = std::max(sleep.asleep, growth(start, resident_bytes()));
      if (peak == peaks) {
        flux::trim();
        sleep.trimmed = growth(start, resident_bytes());
      }
      wanted = peak + 1;
      wanted.notify_one();
    }
    producer.join();
    return sleep;
  });
}

// Producers one after another make a peak and sleep, while another thread frees all of it: the most that was
// resident above the start; bytes.
std::size_t most_of_sleepers(std::size_t count, std::size_t producers, std::size_t limit) {
  return in_child([=] {
    flux::set_retention_limit(limit);
    Objects blocks(count);
    const std::size_t start = resident_bytes();
    std::size_t most = start;
    std::latch end(1);
    std::vector<std::jthread> sleepers;
    for (std::size_t i = 0; i != producers; ++i) {
      std::latch made(1);
      sleepers.emplace_back([&] {
        make_blocks<64>(blocks);
        made.count_down();
        end.wait();
      });
      made.wait();
      most = std::max(most, resident_bytes());
      drop_blocks<64>(blocks);
    }
    end.count_down();
    return growth(start, most);
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(either_side_faster_in_turn_needs_no_more_than_what_lives_at_once) {
  expect_no_more_than_what_lives<64>(usual_or_full(10'000'000, 100'000'000));
}

BOOST_AUTO_TEST_CASE(either_side_faster_in_turn_needs_no_more_than_what_lives_at_once_for_larger_objects) {
  expect_no_more_than_what_lives<640>(usual_or_full(2'000'000, 100'000'000));
}

BOOST_AUTO_TEST_CASE(objects_that_come_home_to_a_sleeping_producer_need_no_more_than_they_did,
                     *flux::test::plain_only()) {
  const std::size_t count = scaled(1'000'000);
  const Sleep sleep = sleep_through<64>(count, 10);
  BOOST_TEST_MESSAGE("peak " << sleep.peak / kKiB << " KiB, asleep " << sleep.asleep / kKiB << " KiB, awake "
                             << sleep.awake / kKiB << " KiB, trimmed " << sleep.trimmed / kKiB << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(sleep.peak <= count * 64 + kSlack);
  BOOST_TEST(sleep.asleep <= count * 64 + kSlack);
  BOOST_TEST(sleep.awake <= count * 64 + kSlack);
  BOOST_TEST(sleep.trimmed <= 2 * kMiB);
}

BOOST_AUTO_TEST_CASE(producers_that_fall_asleep_in_turn_keep_no_more_than_their_retention_limits,
                     *flux::test::plain_only()) {
  constexpr std::size_t kProducers = 8;
  const std::size_t count = scaled(500'000), limit = 2 * kMiB;
  const std::size_t most = most_of_sleepers(count, kProducers, limit);
  BOOST_TEST_MESSAGE(kProducers << " sleepers, " << count * 64 / kKiB << " KiB alive: at most " << most / kKiB
                                << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(most <= count * 64 + kProducers * (limit + kMiB) + kSlack);
}

BOOST_AUTO_TEST_SUITE_END()
