#pragma once

#include <atomic>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// A number that one thread at a time writes, and any may read: plain moves on every processor of interest. What
// orders the writers is not its business, and a reader of several sees no common moment.
template <class Number>
class Count {
 public:
  constexpr Count(Number value = 0) noexcept : value_(value) {}
  Count(const Count& other) noexcept : value_(other.get()) {}
  Count& operator=(const Count& other) noexcept { return set(other.get()); }
  Count& operator=(Number value) noexcept { return set(value); }

  // relaxed, all here: a number by itself.
  Number get() const noexcept { return value_.load(std::memory_order_relaxed); }
  operator Number() const noexcept { return get(); }

  Count& operator+=(Number more) noexcept { return set(static_cast<Number>(get() + more)); }
  /// The same where others may write at once.
  void add_shared(Number more) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }

  Count& operator-=(Number less) noexcept { return set(static_cast<Number>(get() - less)); }

 private:
  Count& set(Number value) noexcept {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

  std::atomic<Number> value_;
};

}  // namespace flux::inline FLUX_ABI::detail
