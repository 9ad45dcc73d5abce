// Figures from a process of its own, so that nothing that ran before weighs on them.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <flux/Control.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "support/FreshHeaps.hpp"
#include "support/Threads.hpp"

namespace flux::test {

/// What `body()` returns when a child process runs it, on a thread of its own that has no heap yet, with no
/// heap parked and with all settings as they are without environment variables. Throws std::runtime_error
/// when the child crashes or `body` throws. Requires that no other thread runs, and a trivially copyable
/// result.
template <class Body>
auto in_child(Body body) {
  using Figures = std::invoke_result_t<Body&>;
  static_assert(std::is_trivially_copyable_v<Figures>);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("no pipe to a child process");
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    for (const int handled : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(handled, SIG_DFL);
    detail::local_thread.trim();  // so that parked heaps of tags have no part of the limit
    adopt_all();
    detail::heap_list.newest = nullptr;
    set_retention_limit(std::size_t{32} << 20);
    set_huge_pages_from(std::size_t{1536} << 10);
    std::optional<Figures> figures;
    run_thread([&] {
      try {
        figures = body();
      } catch (const std::exception& thrown) {
        std::fprintf(stderr, "in a child process: %s\n", thrown.what());
      }
    });
    if (!figures) ::_exit(1);
    const ssize_t written = ::write(ends[1], &*figures, sizeof *figures);
    ::_exit(written == static_cast<ssize_t>(sizeof *figures) ? 0 : 1);
  }
  ::close(ends[1]);
  Figures figures{};
  const ssize_t got = ::read(ends[0], &figures, sizeof figures);
  ::close(ends[0]);
  int status = -1;
  if (child < 0 || ::waitpid(child, &status, 0) != child) throw std::runtime_error("no child process");
  if (WIFSIGNALED(status))
    throw std::runtime_error("the child process died of signal " + std::to_string(WTERMSIG(status)));
  if (status != 0 || got != static_cast<ssize_t>(sizeof figures))
    throw std::runtime_error("the child process failed");
  return figures;
}

}  // namespace flux::test
