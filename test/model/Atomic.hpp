#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "World.hpp"

// Where a model's atomic operation stands in the code that is explored: a last argument that is never given.
#define MODEL_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace model {

using Order = std::memory_order;
inline constexpr Order kSeqCst = std::memory_order_seq_cst;

/// What a compare-exchange with one order does when it fails.
constexpr Order failure_of(Order order) noexcept {
  return order == std::memory_order_acq_rel   ? std::memory_order_acquire
         : order == std::memory_order_release ? std::memory_order_relaxed
                                              : order;
}

// What std::atomic and std::atomic_ref have in common, on an object that Derived::at() points to.
template <class Derived, class T>
class AtomicOperations {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  T load(Order order = kSeqCst, MODEL_SITE) const noexcept {
    return value(world.load(at(), sizeof(T), order, {file, line}));
  }
  operator T() const noexcept { return load(); }

  void store(T desired, Order order = kSeqCst, MODEL_SITE) const noexcept {
    world.store(at(), sizeof(T), bits(desired), order, {file, line});
  }

  T exchange(T desired, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return change(take_operand, bits(desired), order, {file, line});
  }

  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             MODEL_SITE) const noexcept {
    return compare(expected, desired, success, failure, true, {file, line});
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return compare(expected, desired, order, failure_of(order), true, {file, line});
  }
  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               MODEL_SITE) const noexcept {
    return compare(expected, desired, success, failure, false, {file, line});
  }
  bool compare_exchange_strong(T& expected, T desired, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return compare(expected, desired, order, failure_of(order), false, {file, line});
  }

  /// A compare-exchange in two steps, which another thread may come between: what weaken.py makes of one.
  bool exchange_if_seen(T& expected, T desired, Order success, Order failure, MODEL_SITE) const noexcept {
    const T found = load(failure == std::memory_order_relaxed ? success : failure, file, line);
    if (bits(found) != bits(expected)) return expected = found, false;
    store(desired, is_release(success) ? std::memory_order_release : std::memory_order_relaxed, file, line);
    return true;
  }

  T fetch_add(T more, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return change(+[](Bits old, Bits by) { return bits(static_cast<T>(value(old) + value(by))); }, bits(more),
                  order, {file, line});
  }
  T fetch_sub(T less, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return change(+[](Bits old, Bits by) { return bits(static_cast<T>(value(old) - value(by))); }, bits(less),
                  order, {file, line});
  }
  T fetch_or(T mask, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return change(+[](Bits old, Bits by) { return old | by; }, bits(mask), order, {file, line});
  }
  T fetch_and(T mask, Order order = kSeqCst, MODEL_SITE) const noexcept {
    return change(+[](Bits old, Bits by) { return old & by; }, bits(mask), order, {file, line});
  }

 protected:
  using Bits = std::uint64_t;

  static Bits bits(T number) noexcept {
    Bits bits = 0;
    std::memcpy(&bits, &number, sizeof(T));
    return bits;
  }
  static T value(Bits bits) noexcept {
    T number{};
    std::memcpy(&number, &bits, sizeof(T));
    return number;
  }

 private:
  void* at() const noexcept { return static_cast<const Derived*>(this)->at(); }

  static Bits take_operand(Bits, Bits operand) noexcept { return operand; }

  T change(Bits (*apply)(Bits, Bits), Bits operand, Order order, Site site) const noexcept {
    bool is_done = false;
    const Update how{order, order, nullptr, false, apply, operand};
    return value(world.update(at(), sizeof(T), how, &is_done, site));
  }

  bool compare(T& expected, T desired, Order success, Order failure, bool may_fail,
               Site site) const noexcept {
    const Bits before = bits(expected);
    bool is_done = false;
    const Update how{success, failure, &before, may_fail, take_operand, bits(desired)};
    const T found = value(world.update(at(), sizeof(T), how, &is_done, site));
    if (!is_done) expected = found;
    return is_done;
  }
};

/// std::atomic, as large as it.
template <class T>
class Atomic : public AtomicOperations<Atomic<T>, T> {
  using Operations = AtomicOperations<Atomic<T>, T>;

 public:
  constexpr Atomic() noexcept : Atomic(T{}) {}
  constexpr Atomic(T initial) noexcept : value_(initial) {
    if (!std::is_constant_evaluated()) world.construct(&value_, sizeof(T));
  }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;
  constexpr ~Atomic() {
    if (!std::is_constant_evaluated()) world.destroy(&value_);
  }

  T operator=(T desired) noexcept {
    Operations::store(desired);
    return desired;
  }

 private:
  friend Operations;
  void* at() const noexcept { return const_cast<T*>(&value_); }

  T value_;
};

/// std::atomic_ref.
template <class T>
class AtomicRef : public AtomicOperations<AtomicRef<T>, T> {
 public:
  explicit AtomicRef(T& object) noexcept : object_(&object) {}

 private:
  friend AtomicOperations<AtomicRef<T>, T>;
  void* at() const noexcept { return const_cast<std::remove_const_t<T>*>(object_); }

  T* object_;
};

/// Data that is not atomic: an access that does not come before or after all others that conflict with it fails.
template <class T>
class Data {
 public:
  Data(T value = T{}, MODEL_SITE) : value_(value) { world.write(this, {file, line}); }
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() { world.forget(this, {"Data", 0}); }

  T get(MODEL_SITE) const {
    world.read(this, {file, line});
    return value_;
  }
  void set(T value, MODEL_SITE) {
    world.write(this, {file, line});
    value_ = value;
  }

 private:
  T value_;
};

}  // namespace model
