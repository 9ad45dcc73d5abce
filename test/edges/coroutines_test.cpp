// Coroutines that move between threads: also their frames, when those come from flux.
//
// Promised: what fibers_test.cpp says. A coroutine may also allocate in its own body: resuming it is a call, so
// each part between two suspensions looks its thread up anew.
#include <boost/test/unit_test.hpp>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <flux/flux.hpp>
#include <list>
#include <utility>
#include <vector>

#include "support/Migration.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(coroutines)

namespace {

using namespace flux::test;

constexpr std::size_t kThreads = 3;
constexpr std::size_t kCoroutines = 24;

using List = std::list<std::size_t, flux::Allocator<std::size_t>>;

// A coroutine that whoever resumes it goes on with; its frame is an object of flux.
class Migrant {
 public:
  struct promise_type {
    struct Frame {
      alignas(16) std::byte bytes[2048];
    };
    static void* operator new(std::size_t bytes) {
      if (bytes > sizeof(Frame)) throw std::bad_alloc();
      return flux::Allocator<Frame>{}.allocate(1);
    }
    static void operator delete(void* frame, std::size_t) {
      flux::Allocator<Frame>{}.deallocate(static_cast<Frame*>(frame), 1);
    }
    Migrant get_return_object() { return Migrant(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  /// False, and its frame gone, when it has ended.
  bool resume() {
    handle_.resume();
    if (!handle_.done()) return true;
    handle_.destroy();
    return false;
  }

 private:
  explicit Migrant(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

Migrant wander(Baggage& baggage, unsigned size_class) {
  for (std::size_t hop = 0; hop != scaled(50); ++hop) {
    step(baggage, size_class, 1 + 7 * hop);
    co_await std::suspend_always{};
  }
  step(baggage, size_class, 0);
}

// The same in the coroutine's own body, one object before and one after each suspension.
Migrant wander_inline(std::size_t& faults) {
  for (std::size_t hop = 0; hop != scaled(500); ++hop) {
    void* const object = flux::detail::allocate(7);
    faults += flux::detail::ThreadHeap::owner_of(object) != known_heap;
    void* const other = flux::detail::allocate(7);
    co_await std::suspend_always{};
    flux::detail::deallocate(object, 7);
    void* const next = flux::detail::allocate(7);
    faults += flux::detail::ThreadHeap::owner_of(next) != known_heap;
    flux::detail::deallocate(other, 7);
    co_await std::suspend_always{};
    flux::detail::deallocate(next, 7);
  }
}

Migrant wander_with_list(std::size_t& sum) {
  List list;
  for (std::size_t hop = 0; hop != scaled(50); ++hop) {
    for (std::size_t value = 0; value != 100; ++value) list.push_back(value);
    co_await std::suspend_always{};
    for (std::size_t value = 0; value != 50; ++value) list.pop_front();
  }
  for (const std::size_t value : list) sum += value;
}

/// Objects that the heaps of the threads have lost when all coroutines, made by `make(i)` where they first run,
/// have run to their ends.
template <class Make>
std::size_t migrate_all(Make make) {
  std::vector<std::vector<Migrant>> migrants(kCoroutines);
  return migrate(kThreads, kCoroutines, [&](std::size_t i) {
    if (migrants[i].empty()) migrants[i].push_back(make(i));
    return migrants[i].front().resume();
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(operations_before_and_after_a_suspension_are_each_of_the_thread_that_runs_them) {
  std::vector<Baggage> baggage(kCoroutines);
  BOOST_TEST(migrate_all([&](std::size_t i) { return wander(baggage[i], static_cast<unsigned>(3 * i)); }) ==
             0u);
  for (const Baggage& of_one : baggage) BOOST_TEST(of_one.faults == 0u);
}

BOOST_AUTO_TEST_CASE(operations_in_the_coroutines_own_body_are_too) {
  std::vector<std::size_t> faults(kCoroutines);
  BOOST_TEST(migrate_all([&](std::size_t i) { return wander_inline(faults[i]); }) == 0u);
  for (const std::size_t of_one : faults) BOOST_TEST(of_one == 0u);
}

BOOST_AUTO_TEST_CASE(a_container_in_a_coroutine_grows_and_shrinks_on_every_thread) {
  std::vector<std::size_t> sums(kCoroutines);
  BOOST_TEST(migrate_all([&](std::size_t i) { return wander_with_list(sums[i]); }) == 0u);
  for (const std::size_t sum : sums) BOOST_TEST(sum > 0u);
}

BOOST_AUTO_TEST_SUITE_END()
