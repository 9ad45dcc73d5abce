// How much memory does a node take, all overhead included? Resident bytes per node of 4,000,000
// `std::list<long>` nodes of 24 bytes, the process's first work; `resident_bytes` is the figure, the time is
// that of the fill.

#include <unistd.h>

#include <fstream>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void resident_per_node(benchmark::State& state) {
  const std::size_t n = scaled(4'000'000);
  resident_bytes();  // its own buffers first
  for (auto _ : state) {
    StdListOf<long> list;
    const double before = resident_bytes();
    for (std::size_t i = 0; i < n; ++i) list.push_back(static_cast<long>(i));
    benchmark::DoNotOptimize(list);
    state.counters["resident_bytes"] = (resident_bytes() - before) / static_cast<double>(n);
    state.PauseTiming();
    list.clear();
    state.ResumeTiming();
  }
  report(state, n);
}

BENCHMARK(resident_per_node)->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
