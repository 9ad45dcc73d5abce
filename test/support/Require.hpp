// Checks of programs that need a process of their own.
#pragma once

#include <unistd.h>

#include <cstdio>

namespace flux::test {

/// The longest a program or a child process may take, seconds; a deadlock ends by the signal.
inline constexpr unsigned kDeadline = 30;

/// Ends the process at once, with a line on standard error, unless the condition holds.
inline void require(bool holds, const char* what) noexcept {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ::_exit(1);
}

}  // namespace flux::test
