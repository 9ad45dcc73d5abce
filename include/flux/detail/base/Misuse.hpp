#pragma once

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI {

/// A wrong use of memory, as its handler is told of it.
struct Misuse {
  /// "allocate", "free", "collect": objects that other threads freed come home, "usable_size", or "leak".
  const char* operation;
  const char* reason;       ///< what is wrong
  const void* address;      ///< nullptr where it is of no one object
  std::size_t object_size;  ///< of the size class it was named as, or of the object there; bytes, 0 for none
  const char* tag;          ///< of the operation; "default" for none, "a flux::Heap", or "unknown"
};

/// Called at the wrong operation, on its thread; with leaks at exit, when the program's static objects have ended. May not
/// throw, nor use flux.
using MisuseHandler = void (*)(const Misuse&);

namespace detail {

inline constinit std::atomic<MisuseHandler> misuse_handler{nullptr};

// Reasons that are found in several places.
inline constexpr const char* kNoObjectThere = "double free, or an address that no object lies at";
inline constexpr const char* kInsideOfObject = "it lies inside of an object, not at its beginning";
inline constexpr const char* kOtherSize = "it was allocated with another size";
inline constexpr const char* kFreeAlready = "double free: the object is free already";

/// What handlers begin with: the misuse in one line on standard error.
[[gnu::noinline, gnu::cold]] inline void print_misuse(const Misuse& misuse) noexcept {
  if (misuse.address == nullptr) {
    std::fprintf(stderr, "flux: %s\n", misuse.reason);
  } else if (misuse.object_size == 0) {
    std::fprintf(stderr, "flux: %s of %p: %s\n", misuse.operation, misuse.address, misuse.reason);
  } else {
    std::fprintf(stderr, "flux: %s of %p: %s (an object of %zu bytes, tag %s)\n", misuse.operation,
                 misuse.address, misuse.reason, misuse.object_size, misuse.tag);
  }
}

/// Tells the handler; prints where there is none. Whether there was one.
[[gnu::noinline, gnu::cold]] inline bool tell_misuse(const Misuse& misuse) noexcept {
  // acquire: pairs with the release in set_misuse_handler; what the handler was made of is visible (litmus/list).
  const MisuseHandler handler = misuse_handler.load(std::memory_order_acquire);
  handler != nullptr ? handler(misuse) : print_misuse(misuse);
  return handler != nullptr;
}

/// Tells the handler; aborts where there is none. Where the handler returns, the caller leaves out what was asked for.
[[gnu::noinline, gnu::cold]] inline void report_misuse(const Misuse& misuse) noexcept {
  if (!tell_misuse(misuse)) std::abort();
}

/// For misuse that leaves no way to go on: tells the handler, and aborts.
[[noreturn, gnu::noinline, gnu::cold]] inline void die(const char* reason, const void* address = nullptr,
                                                       const char* operation = "free") noexcept {
  report_misuse({operation, reason, address, 0, "unknown"});
  std::abort();
}

}  // namespace detail
}  // namespace flux::inline FLUX_ABI
