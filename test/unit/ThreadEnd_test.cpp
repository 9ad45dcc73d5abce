// A function is called at the end of each thread that asked for it, and a system without keys is told of.
#include <pthread.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <flux/detail/heap/ThreadEnd.hpp>
#include <vector>

#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(thread_end)

namespace {

using namespace flux::test;
using flux::detail::ThreadEnd;

void count_one(void* count) noexcept { ++*static_cast<std::atomic<int>*>(count); }
void count_ten(void* count) noexcept { *static_cast<std::atomic<int>*>(count) += 10; }
void count_many(void* count) noexcept { ++*static_cast<std::atomic<int>*>(count); }
void count_late(void* count) noexcept { ++*static_cast<std::atomic<int>*>(count); }

// Takes all keys that the process may still have.
struct NoKeysLeft {
  NoKeysLeft() {
    pthread_key_t key{};
    while (::pthread_key_create(&key, nullptr) == 0) keys.push_back(key);
  }
  ~NoKeysLeft() {
    for (const pthread_key_t key : keys) ::pthread_key_delete(key);
  }
  std::vector<pthread_key_t> keys;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_function_is_called_once_however_often_the_thread_asked) {
  std::atomic<int> count{0};
  std::atomic<int> before_end{-1};
  run_thread([&] {
    for (int i = 0; i != 3; ++i) ThreadEnd<count_one>::call(&count);
    before_end = count.load();
  });
  BOOST_TEST(before_end == 0);
  BOOST_TEST(count == 1);
}

BOOST_AUTO_TEST_CASE(each_function_has_its_turn) {
  std::atomic<int> count{0};
  run_thread([&] {
    ThreadEnd<count_one>::call(&count);
    ThreadEnd<count_ten>::call(&count);
  });
  BOOST_TEST(count == 11);
}

BOOST_AUTO_TEST_CASE(threads_that_ask_at_once_for_the_first_time_are_all_told) {
  constexpr int kThreads = 16;
  std::atomic<int> count{0};
  std::atomic<int> asked{0};
  run_threads(kThreads, [&](std::size_t) { asked += ThreadEnd<count_many>::call(&count); });
  BOOST_TEST(asked == kThreads);
  BOOST_TEST(count == kThreads);
}

BOOST_AUTO_TEST_CASE(without_a_key_the_answer_is_no_until_there_is_one) {
  std::atomic<int> count{0};
  const auto ask = [&count] {
    std::atomic<bool> answer{false};
    run_thread([&] { answer = ThreadEnd<count_late>::call(&count); });
    return answer.load();
  };
  {
    const NoKeysLeft none;
    BOOST_TEST(!ask());
  }
  BOOST_TEST(count == 0);
  BOOST_TEST(ask());
  BOOST_TEST(count == 1);
}

BOOST_AUTO_TEST_SUITE_END()
