#pragma once

#include <cerrno>
#include <memory>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Misuse.hpp>

namespace flux::inline FLUX_ABI::detail {

// Both throw by way of the standard library's own functions, as std::allocator does. A translation unit
// compiled with -fno-exceptions thus has the same bodies as one without, and may be linked with it; in a
// program that has no exceptions at all std::terminate names the exception and aborts.

/// Throws std::bad_alloc.
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_bad_alloc() { std::__throw_bad_alloc(); }

/// Throws std::bad_array_new_length.
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_bad_array_new_length() {
  std::__throw_bad_array_new_length();
}

/// Leaves errno as it is, while it lives: what frees memory may stand between a failed call and a look at that.
class KeepErrno {
 public:
  KeepErrno() noexcept = default;
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;
  ~KeepErrno() { errno = errno_; }

 private:
  int errno_ = errno;
};

}  // namespace flux::inline FLUX_ABI::detail
