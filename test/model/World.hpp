#pragma once

#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "Choices.hpp"
#include "Memory.hpp"

namespace model {

/// A line of the code whose threads are explored.
struct Site {
  const char* file;
  int line;
};

/// How an atomic operation changes what is there: new value from old, or false to leave it (a failed comparison).
struct Update {
  std::memory_order success;
  std::memory_order failure;
  const std::uint64_t* expected;  ///< nullptr: no comparison
  bool may_fail;                  ///< spuriously: compare_exchange_weak
  std::uint64_t (*apply)(std::uint64_t old, std::uint64_t operand);
  std::uint64_t operand;
};

// The memory and the scheduler of one execution after another.
//
// Model threads are fibers. Before each atomic operation a thread says what it is about to do, and any thread may go
// on: a choice. Which of the stores that C11 allows a load reads is another, and whether a weak compare-exchange fails
// spuriously, once an execution.
//
// Executions that differ only in the order of operations that do not depend on each other are explored once (sleep
// sets): a thread whose operation was tried at a choice sleeps in the other branches until another thread's operation
// depends on it. Where all that could go on sleep, the execution runs to its end without further choices. Not in
// scenarios with a bound, where the execution that a sleeping thread stands for may be beyond it.
//
// What this leaves out: the modification order is the order of execution, and reads only read what was written before
// in it. Thus "load buffering" and the writes of 2+2W in opposite orders are never seen (as with Relacy). consume is
// acquire, there are no fences, and seq_cst does without what fences would add.
class World {
 public:
  // Of the explorer.

  /// Begins an execution.
  void begin();
  /// Runs the model threads until all have ended.
  void run(std::vector<std::function<void()>> threads);
  Choices choices;
  bool was_pruned() const noexcept { return is_free_; }

  /// Explores only executions of the scenario in which at most `most` times a thread that could go on does not.
  void bound(unsigned most) noexcept { most_preemptions_ = most; }
  unsigned bound() const noexcept { return most_preemptions_; }
  static constexpr unsigned kNoBound = ~0u;

  /// Keeps a variable that is thread_local in the real code apart for each model thread of this execution.
  void keep_apart(void* variable, std::size_t bytes);

  // Of the atomic operations. Addresses of `bytes` <= 8, which always hold the newest value.

  std::uint64_t load(const void* at, std::size_t bytes, std::memory_order order, Site site);
  void store(void* at, std::size_t bytes, std::uint64_t value, std::memory_order order, Site site);
  /// The old value; `*is_done` false when the comparison failed.
  std::uint64_t update(void* at, std::size_t bytes, const Update& how, bool* is_done, Site site);
  void construct(const void* at, std::size_t bytes);
  void destroy(const void* at);

  // Of plain data.

  void read(const void* at, Site site);
  void write(const void* at, Site site);
  void forget(const void* at, Site site);

  /// The calling thread has nothing to do until another one changes something: in loops that wait.
  void yield(Site site);

  /// The execution is wrong: prints what led here, and ends the program.
  [[noreturn]] void fail(const char* text, Site site);

 private:
  enum class Kind : unsigned char { kNone, kLoad, kWrite, kYield, kEnd };

  struct Thread {
    Kind kind = Kind::kNone;  ///< of the operation it is about to do
    const void* address = nullptr;
    bool is_asleep = false;
    bool has_read_stale = false;  ///< since it last waited
    bool reads_newest = false;    ///< its next load, after it waited: stores become visible in finite time
    std::uint64_t others_changes = 0;  ///< when it last had waited
    std::uint64_t changes = 0;         ///< stores of it that changed a value
    Clock clock;
    std::vector<std::byte> locals;
  };

  struct Fiber {
    static constexpr std::size_t kBytes = std::size_t{256} << 10;
    ucontext_t context{};
    std::unique_ptr<std::byte[]> stack;
    std::function<void()> body;
  };

  struct Local {
    std::byte* variable;
    std::size_t bytes;
  };

  struct Event {
    std::size_t thread;
    const char* what;
    Site site;
    const void* address;
    std::uint64_t value;
    std::size_t behind;  ///< stores that were newer than the one read
  };

  static constexpr std::size_t kMostEvents = 5000;

  void announce(Kind kind, const void* address, Site site);
  void schedule();
  void switch_to(std::size_t thread);
  bool is_blocked(std::size_t thread) const noexcept;
  bool depend(const Thread& one, const Thread& other) const noexcept;
  std::uint64_t changes_of_others(std::size_t thread) const noexcept;
  static void prepare(Fiber& fiber, std::function<void()> body);
  static void fiber_main();

  Thread& self() noexcept { return threads_[self_]; }
  Time tick() noexcept { return ++self().clock.at[self_]; }
  Location& location(const void* at, std::size_t bytes, Site site);
  std::size_t pick_store(Location& where, bool is_sc, const std::uint64_t* not_if_stale);
  void note(const char* what, Site site, const void* at, std::uint64_t value, std::size_t behind);
  void read_store(Location& where, std::size_t store, std::memory_order order);
  void append(Location& where, void* at, std::size_t bytes, std::uint64_t value, std::memory_order order,
              const Clock& sequence);
  std::size_t choose(std::size_t count);

  Table<Location> locations_;
  Table<Plain> plains_;
  std::array<Thread, kThreads> threads_;
  std::array<Fiber, kThreads> fibers_;
  std::vector<Local> locals_;
  std::vector<Event> events_;
  std::size_t self_ = 0;
  std::size_t count_ = 0;     ///< model threads, 1 to count_
  bool is_starting_ = false;  ///< threads run to their first operation, in their order
  bool is_running_ = false;
  unsigned most_preemptions_ = kNoBound;
  unsigned preemptions_ = 0;
  bool has_failed_spuriously_ = false;
  bool is_free_ = false;  ///< the rest of the execution was explored elsewhere
};

extern World world;

}  // namespace model
