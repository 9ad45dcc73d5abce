// A heap's lock is held by one thread at a time, and hands over what that one did.
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/HeapLock.hpp>
#include <stdexcept>
#include <thread>

#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(heap_lock)

namespace {

using namespace flux::test;
using namespace flux::detail;

}  // namespace

BOOST_AUTO_TEST_CASE(a_lock_is_free_until_it_is_taken_and_free_again_afterwards) {
  HeapLock lock;
  for (int round = 0; round != 3; ++round) {
    BOOST_TEST(lock.try_lock());
    BOOST_TEST(!lock.try_lock());
    lock.unlock();
  }
  lock.lock();
  BOOST_TEST(!lock.try_lock());
  lock.unlock();
}

BOOST_AUTO_TEST_CASE(another_thread_finds_it_taken) {
  HeapLock lock;
  lock.lock();
  bool is_taken_twice = true;
  run_thread([&] { is_taken_twice = lock.try_lock(); });
  BOOST_TEST(!is_taken_twice);
  lock.unlock();
  run_thread([&] { is_taken_twice = lock.try_lock(); });
  BOOST_TEST(is_taken_twice);
}

BOOST_AUTO_TEST_CASE(a_guard_holds_the_lock_while_it_lives) {
  HeapLock lock;
  {
    const HeapLockGuard guard(lock);
    BOOST_TEST(!lock.try_lock());
  }
  BOOST_TEST(lock.try_lock());
}

BOOST_AUTO_TEST_CASE(a_guard_lets_go_when_an_exception_leaves_it) {
  HeapLock lock;
  const auto fail = [&lock] {
    const HeapLockGuard guard(lock);
    throw std::runtime_error("left");
  };
  BOOST_CHECK_THROW(fail(), std::runtime_error);
  BOOST_TEST(lock.try_lock());
}

BOOST_AUTO_TEST_CASE(who_waits_gets_it_when_it_is_let_go) {
  HeapLock lock;
  std::atomic<bool> is_waiting{false};
  std::atomic<bool> is_let_go{false};
  bool came_too_early = false;
  lock.lock();
  run_threads(2, [&](std::size_t index) {
    if (index == 0) {
      is_waiting = true;
      const HeapLockGuard guard(lock);
      came_too_early = !is_let_go;
    } else {
      while (!is_waiting) continue;
      for (int i = 0; i != 1000; ++i) ::sched_yield();
      is_let_go = true;
      lock.unlock();
    }
  });
  BOOST_TEST(!came_too_early);
}

BOOST_AUTO_TEST_CASE(threads_that_hold_it_in_turn_see_what_the_others_did) {
  constexpr std::size_t kThreads = 4;
  const std::size_t rounds = scaled(200'000);
  HeapLock lock;
  std::size_t count = 0;  // no atomic: the lock alone orders its changes
  std::atomic<int> inside{0};
  std::atomic<int> met{0};
  run_threads(kThreads, [&](std::size_t index) {
    for (std::size_t round = 0; round != rounds; ++round) {
      if (index % 2 == 0) {
        lock.lock();
      } else {
        while (!lock.try_lock()) continue;
      }
      met += inside.fetch_add(1) != 0;
      ++count;
      --inside;
      lock.unlock();
    }
  });
  BOOST_TEST(count == kThreads * rounds);
  BOOST_TEST(met == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_waits_is_not_cancelled_there) {
  std::atomic<bool> has_waited{false};
  std::atomic<bool> is_cancelled{false};
  std::thread waiting([&] {
    while (!is_cancelled) std::this_thread::yield();
    [&]() noexcept {
      Wait wait;
      for (int turn = 0; turn != 200; ++turn) wait.once();
    }();
    has_waited = true;
    ::pthread_testcancel();
    has_waited = false;  // not reached
  });
  BOOST_TEST(::pthread_cancel(waiting.native_handle()) == 0);
  is_cancelled = true;
  waiting.join();
  BOOST_TEST(has_waited);
}

BOOST_AUTO_TEST_CASE(a_wait_with_an_end_is_over_after_a_while_and_not_at_once) {
  Wait wait;
  BOOST_TEST(!wait.is_over());
  while (!wait.is_over()) wait.once();
  BOOST_TEST(wait.is_over());
}

BOOST_AUTO_TEST_CASE(a_lock_knows_whether_it_was_taken_from_outside) {
  HeapLock lock;
  lock.lock();
  BOOST_TEST(!lock.is_taken_from_outside());
  BOOST_TEST(!lock.try_lock_from_outside());
  BOOST_TEST(!lock.is_taken_from_outside());
  lock.unlock();
  BOOST_TEST(lock.try_lock_from_outside());
  BOOST_TEST(lock.is_taken_from_outside());
  lock.unlock();
  BOOST_TEST(!lock.is_taken_from_outside());
}

BOOST_AUTO_TEST_CASE(who_can_do_without_lets_those_who_wait_go_first) {
  HeapLock lock;
  std::size_t pieces = 0;
  std::atomic<bool> is_over{false};
  for (int round = 0; round != 20; ++round) {
    is_over = false;
    BOOST_REQUIRE(lock.try_lock_from_outside());
    std::thread owner([&] {
      lock.lock();
      is_over = true;
      lock.unlock();
    });
    pieces = 0;
    do {  // long pieces, one right after another
      for (int i = 0; i != 200; ++i) ::sched_yield();
      lock.unlock();
      while (!lock.try_lock_from_outside()) ::sched_yield();
      ++pieces;
    } while (!is_over && pieces != 10'000);
    lock.unlock();
    owner.join();
    BOOST_TEST(pieces != 10'000u);
    BOOST_TEST(lock.try_lock_from_outside());  // nobody wants it any more
    lock.unlock();
  }
}

BOOST_AUTO_TEST_SUITE_END()
