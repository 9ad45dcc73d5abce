// Fibers that move between threads.
//
// Promised: flux keeps no state of a thread beyond the operation it was asked for. Each allocation and each free
// is of the thread that runs it, and an object may be freed on any other.
//
// Not promised, because it is not flux's to give: a compiler may take the address of a thread-local variable once
// for a whole function, and fibers change threads in the middle of one. A function that suspends leaves its
// allocations to functions that are not inlined into it, as step() here.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <deque>
#include <flux/flux.hpp>
#include <list>

#include "support/Fiber.hpp"
#include "support/Migration.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(fibers)

namespace {

using namespace flux::test;

constexpr std::size_t kThreads = 3;
constexpr std::size_t kFibers = 24;

using List = std::list<std::size_t, flux::Allocator<std::size_t>>;

[[gnu::noinline]] void push(List& list, std::size_t value) { list.push_back(value); }
[[gnu::noinline]] void pop(List& list) { list.pop_front(); }

/// Objects that the heaps of the threads have lost when all fibers have run to their ends.
std::size_t migrate_all(std::deque<Fiber>& fibers) {
  return migrate(kThreads, fibers.size(), [&](std::size_t i) {
    fibers[i].resume();
    return !fibers[i].has_ended();
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(operations_before_and_after_a_suspension_are_each_of_the_thread_that_runs_them) {
  std::vector<Baggage> baggage(kFibers);
  std::deque<Fiber> fibers;
  for (std::size_t i = 0; i != kFibers; ++i) {
    fibers.emplace_back([&baggage, i](Fiber& self) {
      const auto size_class = static_cast<unsigned>(3 * i);
      for (std::size_t hop = 0; hop != scaled(50); ++hop) {
        step(baggage[i], size_class, 1 + 7 * hop);
        self.suspend();
      }
      step(baggage[i], size_class, 0);
    });
  }
  BOOST_TEST(migrate_all(fibers) == 0u);
  for (const Baggage& of_one : baggage) BOOST_TEST(of_one.faults == 0u);
}

BOOST_AUTO_TEST_CASE(a_container_on_a_fibers_stack_grows_and_shrinks_on_every_thread) {
  std::vector<std::size_t> sums(kFibers);
  std::deque<Fiber> fibers;
  for (std::size_t i = 0; i != kFibers; ++i) {
    fibers.emplace_back([&sum = sums[i]](Fiber& self) {
      List list;
      for (std::size_t hop = 0; hop != scaled(50); ++hop) {
        for (std::size_t value = 0; value != 100; ++value) push(list, value);
        self.suspend();
        for (std::size_t value = 0; value != 50; ++value) pop(list);
      }
      for (const std::size_t value : list) sum += value;
      self.suspend();
      list.clear();
    });
  }
  BOOST_TEST(migrate_all(fibers) == 0u);
  for (const std::size_t sum : sums) BOOST_TEST(sum > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
