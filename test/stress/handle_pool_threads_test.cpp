// Threads that create, look up and destroy in one pool, race for the same objects, and come and go.
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/HandlePool.hpp>
#include <mutex>
#include <utility>
#include <vector>

#include "support/InChild.hpp"
#include "support/Random.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"
#include "support/Tracked.hpp"

namespace {

using namespace flux::test;

using Pool = flux::HandlePool<Tracked>;
using Handle = flux::Handle<Tracked>;

// Handles that threads hand to each other; a place may be read by all.
class Board {
 public:
  Handle swap(std::size_t place, Handle handle) {
    return Handle::from_bits(places_[place].exchange(handle.to_bits()));
  }
  Handle read(std::size_t place) const { return Handle::from_bits(places_[place].load()); }
  static constexpr std::size_t kPlaces = 512;

 private:
  std::array<std::atomic<std::uint64_t>, kPlaces> places_{};
};

/// Creates, destroys its own and what others made, and asks for what may be gone; returns how often that was
/// wrong.
std::size_t churn(Pool& pool, Board& board, std::uint64_t stream, std::size_t rounds) {
  Random random(stream);
  std::size_t wrong = 0;
  std::vector<Handle> mine;
  for (std::size_t round = 0; round != rounds; ++round) {
    switch (random.below(4)) {
      case 0:
        mine.push_back(pool.create(random()));
        if (pool.get(mine.back()) == nullptr) ++wrong;
        break;
      case 1:
        if (mine.empty()) break;
        if (!pool.get(mine.back())->is_intact() || !pool.destroy(mine.back()) || pool.destroy(mine.back()))
          ++wrong;
        mine.pop_back();
        break;
      case 2: {  // whoever finds a handle on the board owns it
        const Handle found = board.swap(random.below(Board::kPlaces), pool.create(random()));
        if (found != Handle{} && (!pool.contains(found) || !pool.destroy(found))) ++wrong;
        break;
      }
      default:
        static_cast<void>(pool.contains(board.read(random.below(Board::kPlaces))));
    }
  }
  for (const Handle handle : mine) wrong += pool.destroy(handle) ? 0u : 1u;
  return wrong;
}

std::size_t clear(Pool& pool, Board& board) {
  std::size_t cleared = 0;
  for (std::size_t place = 0; place != Board::kPlaces; ++place)
    cleared += pool.destroy(board.swap(place, {})) ? 1u : 0u;
  return cleared;
}

void expect_empty(const Pool& pool) {
  BOOST_TEST(pool.size() == 0u);
  BOOST_TEST(Tracked::alive() == 0u);
  BOOST_TEST(Tracked::damaged == 0u);
  BOOST_TEST(pool.is_valid());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(handle_pool_threads, FreshCounts)

BOOST_AUTO_TEST_CASE(eight_threads_create_hand_over_and_destroy) {
  Pool pool;
  Board board;
  std::atomic<std::size_t> wrong{0};
  run_threads(8, [&](std::size_t index) { wrong += churn(pool, board, index, scaled(200'000)); });
  BOOST_TEST(wrong == 0u);
  BOOST_TEST(pool.size() == Tracked::alive());
  const std::size_t left = pool.size();
  BOOST_TEST(clear(pool, board) == left);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(of_two_threads_that_race_to_destroy_exactly_one_wins) {
  const std::size_t rounds = scaled(20'000);
  Pool pool;
  std::vector<Handle> handles(rounds);
  std::vector<std::array<bool, 2>> wins(rounds);
  std::barrier turn(2);
  run_threads(2, [&](std::size_t index) {
    for (std::size_t round = 0; round != rounds; ++round) {
      if (index == round % 2) handles[round] = pool.create(round);
      turn.arrive_and_wait();
      wins[round][index] = pool.destroy(handles[round]);
    }
  });
  BOOST_TEST(std::ranges::count_if(wins, [](auto both) { return both[0] == both[1]; }) == 0);
  BOOST_TEST(Tracked::destroyed == rounds);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(of_threads_that_race_for_many_objects_each_is_won_once) {
  const std::size_t objects = scaled(100'000);
  Pool pool;
  std::vector<Handle> handles;
  for (std::size_t i = 0; i != objects; ++i) handles.push_back(pool.create(i));
  std::atomic<std::size_t> wins{0};
  run_threads(4, [&](std::size_t) {
    for (const Handle handle : handles) wins += pool.destroy(handle) ? 1u : 0u;
  });
  BOOST_TEST(wins == objects);
  BOOST_TEST(Tracked::destroyed == objects);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(a_handle_that_comes_without_synchronisation_leads_to_a_whole_object) {
  const std::size_t rounds = scaled(100'000);
  Pool pool;
  std::atomic<std::uint64_t> latest{0};
  std::size_t broken = 0;
  run_threads(2, [&](std::size_t index) {
    for (std::size_t round = 0; round != rounds; ++round) {
      if (index == 0) {
        latest.store(pool.create(round).to_bits(), std::memory_order_relaxed);
      } else if (const Tracked* const found =
                     pool.get(Handle::from_bits(latest.load(std::memory_order_relaxed)))) {
        broken += found->is_intact() ? 0u : 1u;
      }
    }
  });
  BOOST_TEST(broken == 0u);
  BOOST_TEST(pool.size() == rounds);
}

BOOST_AUTO_TEST_CASE(one_thread_creates_and_another_destroys) {
  Pool pool;
  std::mutex mutex;
  std::vector<Handle> posted;
  std::atomic<bool> is_over{false};
  std::size_t lost = 0;
  const std::size_t batches = scaled(500);
  run_threads(2, [&](std::size_t index) {
    if (index == 0) {
      for (std::size_t batch = 0; batch != batches; ++batch) {
        std::vector<Handle> made;
        for (std::size_t i = 0; i != 500; ++i) made.push_back(pool.create(i));
        const std::lock_guard lock(mutex);
        posted.insert(posted.end(), made.begin(), made.end());
      }
      is_over = true;
      return;
    }
    for (bool is_last = false; !is_last;) {
      is_last = is_over;
      std::vector<Handle> taken;
      {
        const std::lock_guard lock(mutex);
        taken.swap(posted);
      }
      for (const Handle handle : taken) lost += pool.destroy(handle) ? 0u : 1u;
    }
  });
  BOOST_TEST(lost == 0u);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(threads_beyond_those_with_a_number_work_as_well) {
  constexpr std::size_t kThreads = 100;
  Pool pool;
  Board board;
  std::atomic<std::size_t> wrong{0}, without{0};
  std::barrier all_have_begun(static_cast<std::ptrdiff_t>(kThreads));
  run_threads(kThreads, [&](std::size_t index) {
    wrong += churn(pool, board, index, 10);
    if (flux::detail::thread_number == flux::detail::kNoThreadNumber) ++without;
    all_have_begun.arrive_and_wait();
    wrong += churn(pool, board, kThreads + index, scaled(5'000));
    all_have_begun.arrive_and_wait();
  });
  BOOST_TEST(without >= kThreads - flux::detail::kNoThreadNumber);
  BOOST_TEST(wrong == 0u);
  const std::size_t left = pool.size();
  BOOST_TEST(clear(pool, board) == left);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(threads_without_a_number_do_not_disturb_each_other) {
  std::vector<std::uint32_t> held;  // all that there are
  for (std::uint32_t number = 0;
       (number = flux::detail::thread_numbers.take()) != flux::detail::kNoThreadNumber;)
    held.push_back(number);
  Pool pool;
  std::atomic<std::size_t> wrong{0};
  run_threads(2, [&](std::size_t index) {
    std::vector<Handle> mine;
    for (std::size_t round = 0; round != scaled(20'000); ++round) {
      for (std::size_t i = 0; i != 70; ++i) mine.push_back(pool.create(index));
      for (; !mine.empty(); mine.pop_back()) {
        const Tracked* const object = pool.get(mine.back());
        if (object == nullptr || object->value != index || !pool.destroy(mine.back())) ++wrong;
      }
    }
    if (flux::detail::thread_number != flux::detail::kNoThreadNumber) ++wrong;
  });
  for (const std::uint32_t number : held) flux::detail::thread_numbers.give_back(number);
  BOOST_TEST(wrong == 0u);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(threads_with_a_number_do_not_disturb_each_other_in_the_depot) {
  Pool pool;
  std::atomic<std::size_t> wrong{0};
  run_threads(4, [&](std::size_t index) {
    std::vector<Handle> mine;
    for (std::size_t round = 0; round != scaled(5'000); ++round) {
      for (std::size_t i = 0; i != 300; ++i) mine.push_back(pool.create(index));
      for (; !mine.empty(); mine.pop_back()) {
        const Tracked* const object = pool.get(mine.back());
        if (object == nullptr || object->value != index || !pool.destroy(mine.back())) ++wrong;
      }
    }
  });
  BOOST_TEST(wrong == 0u);
  expect_empty(pool);
}

BOOST_AUTO_TEST_CASE(ten_thousand_threads_one_after_the_other_need_flat_memory) {
  struct Figures {
    std::size_t growth, left;
    bool is_valid;
  };
  const auto [grown, left, is_valid] = in_child([] {
    Pool pool;
    std::vector<Handle> left_over;
    std::size_t settled = 0;
    const std::size_t threads = scaled(10'000);
    for (std::size_t i = 0; i != threads; ++i) {
      if (i == threads / 10) settled = resident_bytes();
      run_thread([&] {  // destroys what the last one left, and leaves as much
        std::vector<Handle> made;
        for (std::size_t k = 0; k != 300; ++k) made.push_back(pool.create(k));
        for (const Handle handle : left_over) pool.destroy(handle);
        for (std::size_t k = 0; k != 150; ++k, made.pop_back()) pool.destroy(made.back());
        left_over.swap(made);
      });
    }
    return Figures{growth(settled, resident_bytes()), pool.size(), pool.is_valid()};
  });
  BOOST_TEST(left == 150u);
  BOOST_TEST(is_valid);
  if (!is_instrumented()) BOOST_TEST(grown <= kMiB / 4);
}

BOOST_AUTO_TEST_CASE(slots_that_a_thread_leaves_behind_serve_the_next) {
  Pool pool;
  std::array<std::uint32_t, 2> indices{};
  for (std::uint32_t& index : indices) {
    run_thread([&] {
      const Handle handle = pool.create();
      index = flux::detail::index_of(handle.to_bits());
      pool.destroy(handle);
    });
  }
  BOOST_TEST(indices[0] == indices[1]);
}

BOOST_AUTO_TEST_CASE(pools_come_and_go_while_others_look_up_handles_of_theirs) {
  Board board;
  std::atomic<std::size_t> wrong{0};
  run_threads(4, [&](std::size_t index) {
    Random random(1000 + index);
    for (std::size_t round = 0; round != scaled(2'000); ++round) {
      Pool pool;
      std::vector<Handle> mine;
      for (std::size_t i = 0; i != 20; ++i) {
        mine.push_back(pool.create(i));
        // It is of this thread's dead pools, or of others', alive or dead.
        const Handle foreign = board.swap(random.below(Board::kPlaces), mine.back());
        if (std::ranges::find(mine, foreign) != mine.end()) continue;
        if (pool.get(foreign) != nullptr || pool.destroy(foreign)) ++wrong;
      }
      if (pool.size() != 20 ||
          !std::ranges::all_of(mine, [&](Handle handle) { return pool.contains(handle); }))
        ++wrong;
    }
  });
  BOOST_TEST(wrong == 0u);
  BOOST_TEST(Tracked::alive() == 0u);
  BOOST_TEST(Tracked::damaged == 0u);
}

BOOST_AUTO_TEST_CASE(for_each_goes_on_while_others_create) {
  Pool pool;
  for (std::size_t i = 0; i != 1000; ++i) static_cast<void>(pool.create(i));
  std::size_t broken = 0, fewest = 1000;
  run_threads(2, [&](std::size_t index) {
    for (std::size_t round = 0; round != scaled(100); ++round) {
      if (index == 0) {
        for (std::size_t i = 0; i != 100; ++i) static_cast<void>(pool.create(i));
        continue;
      }
      std::size_t seen = 0;
      pool.for_each([&](Handle handle, const Tracked& object) {
        broken += object.is_intact() && pool.contains(handle) ? 0u : 1u;
        ++seen;
      });
      fewest = std::min(fewest, seen);
    }
  });
  BOOST_TEST(broken == 0u);
  BOOST_TEST(fewest == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
