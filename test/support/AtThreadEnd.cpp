#include "support/AtThreadEnd.hpp"

#include <pthread.h>

#include <utility>

namespace flux::test {
namespace {

struct Farewell {
  std::function<void()> say;
  int rounds_to_wait;
};

void take_turn(void* farewell);

// One for all threads, made at the first use.
pthread_key_t farewell_key() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    ::pthread_key_create(&made, take_turn);
    return made;
  }();
  return key;
}

void take_turn(void* argument) {
  auto* const farewell = static_cast<Farewell*>(argument);
  if (farewell->rounds_to_wait-- > 0) {
    ::pthread_setspecific(farewell_key(), farewell);
    return;
  }
  farewell->say();
  delete farewell;
}

void say_at_end(std::function<void()> farewell, int rounds_to_wait) {
  ::pthread_setspecific(farewell_key(), new Farewell{std::move(farewell), rounds_to_wait});
}

}  // namespace

void at_thread_end_after_thread_locals(std::function<void()> farewell) { say_at_end(std::move(farewell), 0); }

void at_thread_end(std::function<void()> farewell) { say_at_end(std::move(farewell), 1); }

}  // namespace flux::test
