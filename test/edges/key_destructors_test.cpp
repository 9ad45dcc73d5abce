// Destructors of pthread keys allocate and free, in every round that the system gives them: in the first, before
// or after flux has ended the thread, and in all the others, after that.
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Visit.hpp>
#include <functional>
#include <utility>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(key_destructors)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 5;
// ThreadSanitizer leaves a thread in the last round; what it watches must not run after that.
constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS - FLUX_TEST_TSAN;

// Calls something in each round of key destructors, for as long as it lives.
class EachRound {
 public:
  explicit EachRound(std::function<void(int)> work) : work_(std::move(work)) {
    ::pthread_key_create(&key_, [](void* self) { static_cast<EachRound*>(self)->take_turn(); });
  }
  EachRound(const EachRound&) = delete;
  EachRound& operator=(const EachRound&) = delete;
  ~EachRound() { ::pthread_key_delete(key_); }

  /// For the calling thread.
  void arm() {
    round_ = 0;
    ::pthread_setspecific(key_, this);
  }
  int rounds() const { return round_; }

 private:
  void take_turn() {
    work_(round_++);
    if (round_ != kRounds) ::pthread_setspecific(key_, this);
  }

  std::function<void(int)> work_;
  int round_ = 0;
  pthread_key_t key_{};
};

Objects others() {
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, 100); });
  return objects;
}

/// Takes the keys that are free below that of flux, so that those made next have their turn after it: in the last
/// round too late for flux to be called.
class LowKeys {
 public:
  LowKeys() {
    for (pthread_key_t& key : keys_) ::pthread_key_create(&key, nullptr);
  }
  LowKeys(const LowKeys&) = delete;
  LowKeys& operator=(const LowKeys&) = delete;
  ~LowKeys() {
    for (const pthread_key_t key : keys_) ::pthread_key_delete(key);
  }

 private:
  std::array<pthread_key_t, 16> keys_{};
};

/// Runs a thread that arms `each`, on a stack too large to be kept for other threads.
[[maybe_unused]] void run_thread_on_large_stack(EachRound& each) {  // not under ThreadSanitizer
  pthread_attr_t attributes{};
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, std::size_t{256} << 20);
  pthread_t thread{};
  const auto arm = [](void* argument) -> void* {
    static_cast<EachRound*>(argument)->arm();
    return nullptr;
  };
  BOOST_REQUIRE(::pthread_create(&thread, &attributes, arm, &each) == 0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
}

void check_all_home(FreshHeaps& fresh) {
  for (ThreadHeap* heap : fresh.parked()) {
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(objects_go_from_round_to_round) {
  FreshHeaps fresh;
  for (std::size_t i = 0; i != scaled(50); ++i) {
    Objects objects;
    EachRound each([&](int) {
      BOOST_TEST(are_marked(objects, kClass));
      deallocate_all(objects, kClass);
      objects = allocate_many(kClass, 500);
    });
    run_thread([&] {
      objects = allocate_many(kClass, 500);
      each.arm();
    });
    BOOST_TEST(each.rounds() == kRounds);
    run_thread([&] { deallocate_all(objects, kClass); });
  }
  BOOST_TEST(fresh.parked().size() == 1u);
  check_all_home(fresh);
}

BOOST_AUTO_TEST_CASE(objects_of_others_are_freed_in_any_round) {
  for (int in_round = 0; in_round != kRounds; ++in_round) {
    FreshHeaps fresh;
    const Objects objects = others();
    EachRound each([&](int round) {
      if (round == in_round) deallocate_all(objects, kClass);
    });
    run_thread([&] {
      deallocate_all(allocate_many(kClass, 10), kClass);
      each.arm();
    });
    BOOST_TEST(fresh.parked().size() == 1u);
    check_all_home(fresh);
  }
}

// A thread is told of its end when it asks before the last round.
BOOST_AUTO_TEST_CASE(a_thread_may_first_meet_flux_in_any_round_but_the_last_and_parks_its_heap) {
  for (int in_round = 0; in_round != kRounds - 1; ++in_round) {
    FreshHeaps fresh;
    EachRound each([&](int round) {
      if (round == in_round) deallocate_all(allocate_many(kClass, 100), kClass);
    });
    for (int i = 0; i != 10; ++i) {
      run_thread([&] { each.arm(); });
      BOOST_TEST(fresh.parked().size() == 1u);
    }
    BOOST_TEST(fresh.pages().pieces() == 1u);
    check_all_home(fresh);
  }
}

#if !FLUX_TEST_TSAN  // flux, asked in what is the last round but one there, ends the thread in the last
BOOST_AUTO_TEST_CASE(what_a_thread_allocates_that_first_meets_flux_in_the_last_round_is_as_good_as_any) {
  FreshHeaps fresh;
  Objects objects;
  EachRound each([&](int round) {
    if (round == kRounds - 1) objects = allocate_many(kClass, 500);
  });
  run_thread([&] { each.arm(); });
  BOOST_TEST(objects.size() == 500u);
  run_thread([&] {
    const Objects more = allocate_many(kClass, 500);
    BOOST_TEST(are_distinct(joined(objects, more)));
    BOOST_TEST(are_marked(objects, kClass));
    deallocate_all(objects, kClass);
    deallocate_all(more, kClass);
  });
}

// What it had not sent home is lost, and lay in memory that is gone: a visit must not look for it there.
BOOST_AUTO_TEST_CASE(
    what_a_thread_freed_that_first_meets_flux_in_the_last_round_is_not_looked_for_in_its_memory) {
  struct Tag;
  Objects objects;
  for (int i = 0; i != 10; ++i) objects.push_back(allocate<Tag>(kClass));
  const auto live = [] {
    std::size_t count = 0;
    flux::visit<Tag>([&](const flux::SlabView& slab) { count += slab.live(); });
    return count;
  };
  std::atomic<long> id{0};
  const LowKeys taken;
  EachRound each([&](int round) {
    if (round != kRounds - 1) return;
    deallocate<Tag>(allocate<Tag>(kClass), kClass);  // has a heap from here on
    deallocate<Tag>(objects.back(), kClass);
    id = ::syscall(SYS_gettid);
  });
  run_thread_on_large_stack(each);
  while (::syscall(SYS_tgkill, ::getpid(), id.load(), 0) == 0) ::sched_yield();
  BOOST_TEST(live() == 10u);
  objects.pop_back();
  for (void* object : objects) deallocate<Tag>(object, kClass);
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(what_threads_free_that_first_meet_flux_in_the_last_round_comes_home_and_leaves_no_heap) {
  FreshHeaps fresh;
  Objects objects = others();
  const LowKeys taken;
  EachRound each([&](int round) {
    if (round != kRounds - 1) return;
    deallocate(objects.back(), kClass);
    objects.pop_back();
  });
  for (int i = 0; i != 10; ++i) run_thread_on_large_stack(each);
  BOOST_TEST(objects.size() == 90u);
  BOOST_TEST(fresh.pages().pieces() == 1u);
  run_thread([&] { deallocate_all(objects, kClass); });
  check_all_home(fresh);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
