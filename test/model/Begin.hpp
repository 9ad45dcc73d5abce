// Before the headers of flux whose threads are explored, and End.hpp behind them: makes std::atomic the model's, and
// waiting a matter of the scheduler. A hack, for a test: all headers that those include are included before, so that
// the macros meet nothing but flux.
#pragma once

#include <dlfcn.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "Scenario.hpp"

namespace std {
namespace flux_model = ::model;
}

/// Once a turn of a loop that waits: until another thread has changed something.
inline int model_sched_yield() {
  model::world.yield({"Wait", 0});
  return 0;
}

/// Time stands still: waits that have an end by the clock have none here.
inline int model_clock_gettime(clockid_t, timespec* now) {
  *now = {1, 0};
  return 0;
}

/// What fork is to call, before and behind, in the parent and in the child.
struct ModelFork {
  void (*prepare)();
  void (*parent)();
  void (*child)();
};
inline constinit ModelFork model_fork{};

inline int model_pthread_atfork(void (*prepare)(), void (*parent)(), void (*child)()) {
  model_fork = {prepare, parent, child};
  return 0;
}

// The system's keys: what makes one is data of the system's, which those who use it look at.
struct ModelKeys {
  std::array<model::Data<int>, 4> made;
  std::array<bool, 4> is_there{};
  unsigned count = 0;
};
inline ModelKeys* model_keys = nullptr;

inline int model_pthread_key_create(pthread_key_t* key, void (*)(void*)) {
  *key = model_keys->count++;
  model_keys->made[*key].set(1);
  model_keys->is_there[*key] = true;
  return 0;
}
inline int model_pthread_setspecific(pthread_key_t key, const void*) {
  model::check(model_keys->made[key].get() == 1 && model_keys->is_there[key], "a key that is not there");
  return 0;
}
inline int model_pthread_key_delete(pthread_key_t key) {
  model_keys->is_there[key] = false;
  return 0;
}

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define atomic flux_model::Atomic
#define atomic_ref flux_model::AtomicRef
#define thread_local  // keep_apart instead
#define sched_yield model_sched_yield
#define clock_gettime model_clock_gettime
#define pthread_atfork model_pthread_atfork
#define pthread_key_create model_pthread_key_create
#define pthread_setspecific model_pthread_setspecific
#define pthread_key_delete model_pthread_key_delete
