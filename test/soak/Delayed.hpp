// Included before all else (-include): every atomic operation of flux yields or sleeps now and then, so that other threads
// come in between where they hardly ever do. As in test/model, std::atomic means something else while flux's headers are
// read; what they include is included before.
#pragma once

#include <dlfcn.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <malloc.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace flux_delayed {

/// One in 32 operations yields, one in 4,096 sleeps for up to some tens of microseconds.
inline void delay() noexcept {
  static constinit thread_local std::uint64_t state = 0;
  if (state == 0) state = reinterpret_cast<std::uintptr_t>(&state) | 1;
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  if (state % 32 == 0) ::sched_yield();
  if (state % 4096 == 0) {
    const timespec some{0, static_cast<long>(state >> 32 & 0x7FFF)};
    ::nanosleep(&some, nullptr);
  }
}

using Order = std::memory_order;

template <class Base, class T>
class Operations : public Base {
 public:
  using Base::Base;
  T load(Order order) const noexcept { return delay(), Base::load(order); }
  void store(T value, Order order) const noexcept requires(!std::is_same_v<Base, std::atomic<T>>) {
    delay(), Base::store(value, order);
  }
  void store(T value, Order order) noexcept requires(std::is_same_v<Base, std::atomic<T>>) {
    delay(), Base::store(value, order);
  }
  T exchange(T value, Order order) noexcept { return delay(), Base::exchange(value, order); }
  bool compare_exchange_weak(T& expected, T value, Order order) noexcept {
    return delay(), Base::compare_exchange_weak(expected, value, order);
  }
  bool compare_exchange_weak(T& expected, T value, Order success, Order failure) noexcept {
    return delay(), Base::compare_exchange_weak(expected, value, success, failure);
  }
  bool compare_exchange_strong(T& expected, T value, Order order) noexcept {
    return delay(), Base::compare_exchange_strong(expected, value, order);
  }
  bool compare_exchange_strong(T& expected, T value, Order success, Order failure) noexcept {
    return delay(), Base::compare_exchange_strong(expected, value, success, failure);
  }
  T fetch_add(T value, Order order) noexcept { return delay(), Base::fetch_add(value, order); }
  T fetch_sub(T value, Order order) noexcept { return delay(), Base::fetch_sub(value, order); }
  T fetch_or(T value, Order order) noexcept { return delay(), Base::fetch_or(value, order); }
  T fetch_and(T value, Order order) noexcept { return delay(), Base::fetch_and(value, order); }
};

template <class T>
class Atomic : public Operations<std::atomic<T>, T> {
 public:
  using Operations<std::atomic<T>, T>::Operations;
};

template <class T>
class AtomicRef : public Operations<std::atomic_ref<T>, T> {
 public:
  explicit AtomicRef(T& object) : Operations<std::atomic_ref<T>, T>(object) {}
};

}  // namespace flux_delayed

namespace std {
namespace flux_delayed = ::flux_delayed;
}

#define atomic flux_delayed::Atomic
#define atomic_ref flux_delayed::AtomicRef
#include <flux/flux.hpp>
#undef atomic
#undef atomic_ref
