// Apart from everything that uses flux: a compiler may construct all thread-locals of a source file together.
#include "support/AtThreadEnd.hpp"

#include <pthread.h>

#include <memory>
#include <utility>

namespace flux::test {
namespace {

struct Late {
  std::function<void()> farewell;
  ~Late() {
    if (farewell) farewell();
  }
};
thread_local Late late;

// One for all threads, made at the first use.
pthread_key_t farewell_key() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    ::pthread_key_create(&made, [](void* farewell) {
      const std::unique_ptr<std::function<void()>> owned(static_cast<std::function<void()>*>(farewell));
      (*owned)();
    });
    return made;
  }();
  return key;
}

}  // namespace

void at_thread_end(std::function<void()> farewell) { late.farewell = std::move(farewell); }

void at_thread_end_after_thread_locals(std::function<void()> farewell) {
  ::pthread_setspecific(farewell_key(), new std::function<void()>(std::move(farewell)));
}

}  // namespace flux::test
