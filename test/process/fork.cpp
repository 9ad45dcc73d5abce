// A process forks while other threads are in the middle of allocation. The child allocates, frees, also what
// other threads had allocated, adopts their heaps, trims, and ends; so does the parent.
//
//   fork one|several|trimming
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <flux/flux.hpp>
#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "support/Require.hpp"

namespace {

using flux::test::require;

using List = std::list<long, flux::Allocator<long>>;
using ListNode = std::unique_ptr<List>;

constexpr int kForks = 100;

std::atomic<bool> is_over{false};

List filled(long count) {
  List list;
  for (long i = 0; i != count; ++i) list.push_back(i);
  return list;
}

bool is_filled(const List& list) {
  long expected = 0;
  for (const long value : list) {
    if (value != expected++) return false;
  }
  return true;
}

void use(long count = 5000) { require(is_filled(filled(count)), "objects keep what they hold"); }

// Lists that threads hand to each other, complete ones: a child finds them as they are.
std::array<std::atomic<List*>, 16> handed_over{};
List kept = filled(1000);  // for static destruction

void hand_over(List* list, std::size_t place) {
  delete handed_over[place % handed_over.size()].exchange(list);
}

// Allocates and frees, its own and others' objects, ends now and then, and now and then trims.
void churn(std::size_t index) {
  while (!is_over) {
    std::thread([index] {
      for (std::size_t i = 0; i != 200 && !is_over; ++i) {
        hand_over(new List(filled(static_cast<long>(i))), index + i);
        if (i % 64 == 0) flux::trim();
      }
    }).join();
  }
}

// What a child does first and again: with its own heap, with those that are parked, with those of threads that
// are not there any more.
void live() {
  use();
  for (auto& place : handed_over) {
    List* const list = place.exchange(nullptr);
    require(list == nullptr || is_filled(*list), "objects of other threads keep what they hold");
    delete list;
  }
  flux::trim();
  std::vector<std::thread> threads;
  for (int i = 0; i != 8; ++i) threads.emplace_back([] { use(500); });
  for (std::thread& thread : threads) thread.join();
  require(flux::detail::local_heap<>.heap()->is_valid(), "the heap is valid");
  flux::trim();
  use();
}

// A child that ends by exit runs static destructors, but must not wait for threads that it does not have.
[[noreturn]] void be_child(int number) {
  ::alarm(flux::test::kDeadline);
  is_over = true;
  live();
  if (number % 8 == 0) {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::alarm(flux::test::kDeadline);  // a child does not inherit it
      live();
      std::exit(0);
    }
    int status = 1;
    ::waitpid(grandchild, &status, 0);
    require(status == 0, "a child's child ends cleanly");
  }
  if (number % 2 == 0) std::exit(0);
  ::_exit(0);
}

void fork_once(int number) {
  const pid_t child = ::fork();
  if (child == 0) be_child(number);
  use(100);
  int status = 1;
  require(child > 0 && ::waitpid(child, &status, 0) == child, "a child is made");
  require(status == 0, "the child ends cleanly");
}

void fork_amid_churn(std::size_t forking, std::size_t churning) {
  use();
  std::vector<std::thread> churners;
  for (std::size_t i = 0; i != churning; ++i) churners.emplace_back(churn, 5 * i);
  std::vector<std::thread> forkers;
  for (std::size_t i = 0; i != forking; ++i) {
    forkers.emplace_back([forking] {
      for (int number = 0; number != kForks / static_cast<int>(forking); ++number) fork_once(number);
    });
  }
  for (std::thread& forker : forkers) forker.join();
  is_over = true;
  for (std::thread& churner : churners) churner.join();
}

// Parked heaps that have much to take home: trimming them takes a while.
void leave_work_behind() {
  std::vector<List> lists(4);
  std::vector<std::thread> threads;
  for (List& list : lists) threads.emplace_back([&list] { list = filled(20'000); });
  for (std::thread& thread : threads) thread.join();
  lists.clear();
  flux::flush();
}

// The child's threads adopt heaps that another thread was just trimming, if the fork does not wait.
void fork_amid_trimming() {
  use();
  flux::trim();
  for (int number = 0; number != kForks / 2; ++number) {
    leave_work_behind();
    std::atomic<bool> begins{false};
    std::thread trimmer([&begins] {
      begins = true;
      flux::trim();
    });
    while (!begins) std::this_thread::yield();
    ::usleep(static_cast<useconds_t>(number * 10));
    fork_once(number);
    trimmer.join();
  }
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(2 * flux::test::kDeadline);
  const char* const way = arguments[1];
  if (std::strcmp(way, "trimming") == 0) {
    fork_amid_trimming();
  } else {
    const bool is_one = std::strcmp(way, "one") == 0;
    fork_amid_churn(is_one ? 1 : 4, is_one ? 4 : 2);
  }
  live();
  return 0;
}
