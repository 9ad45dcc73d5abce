#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

/// Stands for a number where a thread has none: beyond all numbers, so that it may index an array of one
/// more.
inline constexpr std::uint32_t kNoThreadNumber = 64;

// Small numbers for threads, each held by one thread at a time, from its first need until it ends: what
// belongs to a number is used without a lock or an atomic operation by the thread that holds it.
//
//   taken_: one bit for each number that is held
//
// The lowest comes first, so that few threads one after the other are the same few numbers.
//
// In the child of a fork the numbers of threads that are not there stay taken: what belongs to them may be
// half done.
class ThreadNumbers {
 public:
  /// A number that no other thread holds; kNoThreadNumber when all are held. Any thread.
  std::uint32_t take() noexcept {
    // relaxed: only the exchange counts.
    std::uint64_t taken = taken_.load(std::memory_order_relaxed);
    while (~taken != 0) {
      const auto number = static_cast<std::uint32_t>(std::countr_one(taken));
      // acquire: pairs with the release in give_back; what the last holder did with what is the number's is
      // visible; test/model fails without it (litmus/number). relaxed on failure: the loop tries again.
      if (taken_.compare_exchange_weak(taken, taken | bit_of(number), std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        return number;
      }
    }
    return kNoThreadNumber;
  }

  /// Requires that the caller holds the number.
  void give_back(std::uint32_t number) noexcept {
    // release: pairs with the acquire in take; test/model fails without it (litmus/number).
    taken_.fetch_and(~bit_of(number), std::memory_order_release);
  }

 private:
  static std::uint64_t bit_of(std::uint32_t number) noexcept { return std::uint64_t{1} << number; }

  std::atomic<std::uint64_t> taken_{0};
};

inline constinit ThreadNumbers thread_numbers;

/// The calling thread's number, or kNoThreadNumber. LocalThread takes it and gives it back.
inline constinit thread_local std::uint32_t thread_number = kNoThreadNumber;

}  // namespace flux::inline FLUX_ABI::detail
