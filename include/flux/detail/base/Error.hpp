#pragma once

#include <cstdio>
#include <cstdlib>
#include <new>

#include <flux/detail/base/Config.hpp>

namespace flux::detail {

/// Ends the program with `reason` on standard error: for misuse that leaves no way to go on.
[[noreturn, gnu::noinline, gnu::cold]] inline void die(const char* reason) noexcept {
  std::fputs("flux: ", stderr);
  std::fputs(reason, stderr);
  std::fputc('\n', stderr);
  std::abort();
}

/// Throws `std::bad_alloc`; without exceptions, aborts with a message.
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_bad_alloc() {
#if FLUX_EXCEPTIONS
  throw std::bad_alloc();
#else
  die("out of memory");
#endif
}

/// Throws `std::bad_array_new_length`; without exceptions, aborts with a message.
[[noreturn, gnu::noinline, gnu::cold]] inline void throw_bad_array_new_length() {
#if FLUX_EXCEPTIONS
  throw std::bad_array_new_length();
#else
  die("too many objects in one allocation");
#endif
}

}  // namespace flux::detail
