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

/// Writes a word of its owner's that other threads may read at any time, by a relaxed load.
///
/// What a relaxed atomic store is with g++ and clang++, if not in the words of the language: one move of an aligned word, a number by
/// itself. Volatile instead, because compilers take an atomic store for one that may touch all memory: g++ then kept
/// nothing of the loop around a free in registers, and a list that is erased from at random took a tenth longer.
/// ThreadSanitizer only knows the atomic one.
template <class Word>
[[gnu::always_inline]] inline void store_once(Word& word, Word value) noexcept {
#if FLUX_THREAD_SANITIZER
  std::atomic_ref(word).store(value, std::memory_order_relaxed);
#else
  const_cast<volatile Word&>(word) = value;
#endif
}

/// What store_once wrote. Any thread. A relaxed load, of something that may be const: only for writing does atomic_ref need what is not.
template <class Word>
Word load_remote(const Word& word) noexcept {
  return std::atomic_ref(const_cast<Word&>(word)).load(std::memory_order_relaxed);
}

}  // namespace flux::inline FLUX_ABI::detail
