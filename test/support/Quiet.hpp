// What a thread costs the system: its page faults, counted, and its calls, forbidden.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <cstddef>

#include "support/Sanitizers.hpp"

namespace flux::test {

/// Whether page faults say anything of flux: where a run counts what it reaches, the counts' own pages take some.
inline bool page_faults_count() noexcept { return !is_instrumented() && FLUX_TEST_COVERAGE == 0; }

/// Page faults of the calling thread so far.
inline std::size_t page_faults() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::size_t>(usage.ru_minflt) + static_cast<std::size_t>(usage.ru_majflt);
}

/// Makes the stack that the calling thread is about to use resident.
[[gnu::noinline]] inline void touch_stack() {
  std::array<volatile char, std::size_t{128} << 10> stack;
  for (std::size_t at = 0; at < stack.size(); at += 1024) stack[at] = 0;
}

/// From here on any call to the system by the calling thread but `write` and exit ends the process with
/// SIGSYS. For good: requires a process that is about to end. False when the system cannot.
inline bool forbid_calls() {
  constexpr unsigned kNumber = offsetof(seccomp_data, nr);
  std::array<sock_filter, 8> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  }};
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace flux::test
