// What becomes of a process that does what it must not.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>

namespace flux::test {

struct Death {
  int signal = 0;       ///< that ended the process, or 0 when it lived on
  std::string message;  ///< what it wrote to standard error
};

/// Runs `action` in a child process and tells how that ended. Requires that no other thread runs.
template <class Action>
Death death_of(Action action) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return {-1, "no pipe"};
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    for (const int handled : {SIGABRT, SIGSEGV, SIGBUS}) std::signal(handled, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    action();
    ::_exit(0);
  }
  ::close(ends[1]);
  if (child < 0) return {-1, "no child"};
  Death death;
  std::array<char, 512> part;
  for (ssize_t got; (got = ::read(ends[0], part.data(), part.size())) > 0;)
    death.message.append(part.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) death.signal = WTERMSIG(status);
  return death;
}

/// Whether `action` aborts and says why: its message contains `reason`.
template <class Action>
bool aborts_with(const std::string& reason, Action action) {
  const Death death = death_of(action);
  return death.signal == SIGABRT && death.message.find(reason) != std::string::npos;
}

}  // namespace flux::test
