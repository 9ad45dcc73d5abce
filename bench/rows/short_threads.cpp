// What does a thread cost that lives only for one list of 2,000? Wall time from its start to its end, per
// node.
//
// On the core that starts them, and wherever the scheduler puts them: moved to a core that sleeps, even an
// empty thread takes twice as long, and whether it is moved depends on how long the one before it lived. Hence also the
// time of the list alone, by the thread's own clock, and in how many of a hundred threads it ran on another core.

#include <sched.h>

#include <thread>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

/// Keeps this thread, and those that it starts, on one core.
class OneCore {
 public:
  OneCore() {
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(static_cast<unsigned>(::sched_getcpu()), &here);
    ::sched_setaffinity(0, sizeof here, &here);
  }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore() { ::sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};

constexpr std::size_t kNodes = 2'000;

void run_short_threads(benchmark::State& state) {
  double seconds_of_work = 0;
  std::size_t moved = 0;
  for (auto _ : counted(state)) {
    const int core = ::sched_getcpu();
    std::thread worker([&, core] {
      moved += ::sched_getcpu() != core;
      const Stopwatch watch;
      {
        StdList list;
        fill(list, kNodes);
        benchmark::DoNotOptimize(list);
      }
      seconds_of_work += watch.seconds();
    });
    worker.join();
  }
  const auto threads = static_cast<double>(state.iterations());
  state.counters["work_ns"] = seconds_of_work * 1e9 / threads / kNodes;
  state.counters["moved_percent"] = static_cast<double>(moved) * 100 / threads;
  report(state, kNodes);
}

void short_threads(benchmark::State& state) {
  const OneCore one_core;
  run_short_threads(state);
}

void short_threads_anywhere(benchmark::State& state) { run_short_threads(state); }

/// Of that, what threads take that do nothing.
void short_threads_anywhere_empty(benchmark::State& state) {
  for (auto _ : counted(state)) {
    std::thread worker([] {});
    worker.join();
  }
  report(state, kNodes);
}

BENCHMARK(short_threads)->UseRealTime();
BENCHMARK(short_threads_anywhere)->UseRealTime();
BENCHMARK(short_threads_anywhere_empty)->UseRealTime();

}  // namespace
}  // namespace bench
