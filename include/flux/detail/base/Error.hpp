#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

namespace flux::detail {

/// Ends the program with `reason` on standard error: for misuse that leaves no way to go on.
[[noreturn, gnu::noinline, gnu::cold]] inline void die(const char* reason) noexcept {
  std::fputs("flux: ", stderr);
  std::fputs(reason, stderr);
  std::fputc('\n', stderr);
  std::abort();
}

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

}  // namespace flux::detail
