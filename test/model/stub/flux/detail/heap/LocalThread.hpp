#pragma once

#include <flux/detail/base/Config.hpp>

#include <flux/detail/heap/ThreadNumber.hpp>

namespace flux::inline FLUX_ABI::detail {

// Of a thread what handles know: its number.
struct LocalThread {
  bool take_number() noexcept {
    if (thread_number == kNoThreadNumber) thread_number = thread_numbers.take();
    return thread_number != kNoThreadNumber;
  }

  /// The thread ends.
  void end() noexcept {
    if (thread_number == kNoThreadNumber) return;
    thread_numbers.give_back(thread_number);
    thread_number = kNoThreadNumber;
  }
};

inline constinit LocalThread local_thread;

}  // namespace flux::inline FLUX_ABI::detail
