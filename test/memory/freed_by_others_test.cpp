// A thread that never allocates frees what others made, whose owners ended long ago: nothing grows.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Control.hpp>
#include <semaphore>
#include <span>
#include <thread>
#include <vector>

#include "support/Blocks.hpp"
#include "support/InChild.hpp"
#include "support/PlainOnly.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(freed_by_others)

namespace {

using namespace flux::test;

constexpr std::size_t kBytes = 64;

struct Generations {
  std::size_t settled = 0;  // resident bytes above the start, when all of a generation's objects live
  std::size_t most = 0;     // the same, most of all later generations
  std::size_t trimmed = 0;  // when all is freed and trim() was called
};

// Frees all blocks on a thread that lives as long as this and never allocates.
class Freer {
 public:
  explicit Freer(Objects& blocks) : blocks_(blocks) {}
  ~Freer() {
    is_over_ = true;
    begin_.release();
    thread_.join();
  }

  void free_all() {
    begin_.release();
    end_.acquire();
  }

 private:
  void work() {
    for (begin_.acquire(); !is_over_; begin_.acquire()) {
      drop_blocks<kBytes>(blocks_);
      end_.release();
    }
  }

  Objects& blocks_;
  bool is_over_ = false;
  std::binary_semaphore begin_{0};
  std::binary_semaphore end_{0};
  std::thread thread_{[this] { work(); }};
};

// In each generation `makers` threads, all with a heap of their own, make `objects` together, and end; then
// all is freed in random order.
Generations live_through(std::size_t generations, std::size_t makers, std::size_t objects) {
  return in_child([=] {
    Random random;
    Objects blocks(objects);
    Generations figures;
    const std::size_t start = resident_bytes();
    {
      Freer freer(blocks);
      for (std::size_t generation = 0; generation != generations; ++generation) {
        std::barrier all_have_heaps(static_cast<std::ptrdiff_t>(makers));
        run_threads(makers, [&](std::size_t index) {
          drop_block<kBytes>(make_block<kBytes>());
          all_have_heaps.arrive_and_wait();
          const std::size_t share = objects / makers;
          make_blocks<kBytes>(std::span(blocks).subspan(index * share, share));
        });
        const std::size_t alive = growth(start, resident_bytes());
        if (generation <= generations / 10) figures.settled = std::max(figures.settled, alive);
        figures.most = std::max(figures.most, alive);
        draw(blocks, blocks.size(), random);
        freer.free_all();
      }
    }
    run_thread([] { flux::trim(); });
    figures.trimmed = growth(start, resident_bytes());
    return figures;
  });
}

void expect_flat(std::size_t generations, std::size_t makers) {
  const std::size_t objects = scaled(160'000);
  const Generations figures = live_through(scaled(generations), makers, objects);
  BOOST_TEST_MESSAGE(makers << " makers: settled " << figures.settled / kKiB << " KiB, most "
                            << figures.most / kKiB << " KiB, trimmed " << figures.trimmed / kKiB << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(figures.settled >= objects * kBytes);
  BOOST_TEST(figures.most <= figures.settled + figures.settled / 50);
  BOOST_TEST(figures.trimmed <= 2 * kMiB);
}

// The same, but the makers, all with a heap from the beginning, make all of the objects in turn, and end:
// resident bytes above the start when all is freed.
std::size_t left_by_makers_in_turn(std::size_t makers, std::size_t objects) {
  return in_child([=] {
    Objects blocks(objects);
    Freer freer(blocks);
    const std::size_t start = resident_bytes();
    std::barrier all_have_heaps(static_cast<std::ptrdiff_t>(makers));
    std::atomic<std::size_t> turn{0};
    std::vector<std::thread> threads;
    for (std::size_t index = 0; index != makers; ++index) {
      threads.emplace_back([&, index] {
        drop_block<kBytes>(make_block<kBytes>());
        all_have_heaps.arrive_and_wait();
        for (std::size_t now = turn; now != index; now = turn) turn.wait(now);
        make_blocks<kBytes>(blocks);
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
      freer.free_all();
      ++turn;
      turn.notify_all();
    }
    return growth(start, resident_bytes());
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_one_maker_after_another_leaves_behind_is_used_again) { expect_flat(100, 1); }

BOOST_AUTO_TEST_CASE(what_sixteen_makers_at_once_leave_behind_is_used_again) { expect_flat(100, 16); }

BOOST_AUTO_TEST_CASE(what_heaps_of_ended_threads_get_back_counts_against_their_retention_limit,
                     *flux::test::plain_only()) {
  const std::size_t objects = scaled(160'000);
  const std::size_t left = left_by_makers_in_turn(16, objects);
  BOOST_TEST_MESSAGE("sixteen makers in turn: " << left / kKiB << " KiB left");
  if (is_instrumented()) return;
  BOOST_TEST(left <= flux::retention_limit() + objects * kBytes + 4 * kMiB);
}

BOOST_AUTO_TEST_SUITE_END()
