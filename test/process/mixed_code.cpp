// A program whose units were compiled both for a program and for a shared library forks while a thread lives that
// has used flux in the latter. In the child a new thread lives at that one's address, and is not taken for it.
#include "process/mixed_code.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <flux/flux.hpp>
#include <list>
#include <thread>

#include "support/Require.hpp"

using flux::test::require;

int main() {
  constexpr long kMany = 100'000;
  const std::list<int, flux::Allocator<int>> mine(3, 1);  // not long: what a container inlines stays apart
  std::barrier filled(2), forked(2);
  std::thread other([&] {
    fill_in_library(kMany);
    filled.arrive_and_wait();
    forked.arrive_and_wait();
  });
  filled.arrive_and_wait();
  for (const bool uses_first : {false, true}) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      std::thread([uses_first] {  // where the other one was
        require(!uses_first || use_in_library(kMany / 5), "objects keep what they hold");
        clear_in_library();
        require(use_in_library(kMany / 5), "objects keep what they hold");
      })
          .join();
      ::_exit(0);
    }
    int status = -1;
    require(child > 0 && ::waitpid(child, &status, 0) == child, "there is a child");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends well");
  }
  forked.arrive_and_wait();
  other.join();
  require(use_in_library(kMany), "the parent goes on");
}
