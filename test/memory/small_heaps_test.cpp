// Small threads stay small, and leave nothing behind, however many come.
#include <algorithm>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <thread>
#include <vector>

#include "support/FullCounts.hpp"
#include "support/InChild.hpp"
#include "support/Resident.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(small_heaps)

namespace {

using namespace flux::test;

template <std::size_t Bytes>
struct Element {
  std::byte bytes[Bytes];
};
template <std::size_t Bytes>
using List = std::list<Element<Bytes>, flux::Allocator<Element<Bytes>>>;

// Resident bytes that `threads` threads, all alive at once, add when each allocates 100 nodes; without the stacks that they begin
// with.
template <std::size_t Bytes>
std::size_t added_by(std::size_t threads) {
  return in_child([threads] {
    std::barrier all(static_cast<std::ptrdiff_t>(threads + 1));
    const auto life = [&all] {
      all.arrive_and_wait();
      all.arrive_and_wait();
      List<Bytes> list(100);
      all.arrive_and_wait();
      all.arrive_and_wait();
    };
    std::vector<std::jthread> lives;
    for (std::size_t i = 0; i != threads; ++i) lives.emplace_back(life);
    all.arrive_and_wait();
    const std::size_t start = resident_bytes();
    all.arrive_and_wait();
    all.arrive_and_wait();
    const std::size_t added = growth(start, resident_bytes());
    all.arrive_and_wait();
    return added;
  });
}

template <std::size_t Bytes>
void expect_at_most_64_KiB_a_thread() {
  const std::size_t one = added_by<Bytes>(1);
  const std::size_t many = scaled(1000);
  const std::size_t all = added_by<Bytes>(many);
  BOOST_TEST_MESSAGE("100 nodes of " << Bytes + 16 << " bytes: one thread " << one / kKiB << " KiB, " << many
                                     << " threads " << all / kKiB << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(one <= 64 * kKiB);
  BOOST_TEST(all <= many * 64 * kKiB);
}

struct Generations {
  std::size_t settled = 0;  // resident bytes after the first tenth of the threads
  std::size_t most = 0;     // the same, most of all later ones
};

// So many threads in all, 64 at once, each with a heap of its own; each makes a list, and frees the one that
// another left it.
Generations come_and_go(std::size_t threads) {
  return in_child([threads] {
    constexpr std::size_t kAtOnce = 64;
    std::vector<List<8>> left(kAtOnce);
    std::barrier all_have_lists(kAtOnce);
    Generations figures;
    const std::size_t generations = (threads + kAtOnce - 1) / kAtOnce;
    for (std::size_t generation = 0; generation != generations; ++generation) {
      run_threads(kAtOnce, [&](std::size_t index) {
        List<8> own(100 + index);
        all_have_lists.arrive_and_wait();
        left[index].swap(own);
      });
      if (generation % 16 != 0 && generation + 1 != generations) continue;
      const std::size_t resident = resident_bytes();
      if (generation <= generations / 10) figures.settled = std::max(figures.settled, resident);
      figures.most = std::max(figures.most, resident);
    }
    return figures;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thread_with_100_nodes_adds_64_KiB_at_most_and_1000_of_them_64_MiB) {
  expect_at_most_64_KiB_a_thread<8>();
  expect_at_most_64_KiB_a_thread<48>();
  expect_at_most_64_KiB_a_thread<200>();
}

BOOST_AUTO_TEST_CASE(threads_one_after_another_64_at_once_need_flat_memory) {
  const std::size_t threads = usual_or_full(20'000, 100'000);
  const Generations figures = come_and_go(threads);
  BOOST_TEST_MESSAGE(threads << " threads: settled " << figures.settled / kKiB << " KiB, most "
                             << figures.most / kKiB << " KiB");
  if (is_instrumented()) return;
  BOOST_TEST(figures.most <= figures.settled + kMiB);
}

BOOST_AUTO_TEST_SUITE_END()
