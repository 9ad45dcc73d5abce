// What does a large list cost that grows and shrinks again, once its memory has been seen before? The figure
// is a fill and a clear of 500,000 nodes, per node; `fill_ns` is the fill's part.

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

template <class List>
void list_warm(benchmark::State& state) {
  const std::size_t n = scaled(500'000);
  List list;
  fill(list, n);
  list.clear();
  double filling = 0;
  for (auto _ : counted(state)) {
    const Stopwatch watch;
    fill(list, n);
    benchmark::DoNotOptimize(list);
    filling += watch.seconds();
    list.clear();
    benchmark::DoNotOptimize(list);
    state.SetIterationTime(watch.seconds());
  }
  state.counters["fill_ns"] =
      filling * 1e9 / static_cast<double>(n) / static_cast<double>(state.iterations());
  report(state, n);
}

BENCHMARK(list_warm<StdList>)->Name("list_500k_warm/std")->UseManualTime();
BENCHMARK(list_warm<BoostList>)->Name("list_500k_warm/boost")->UseManualTime();

}  // namespace
}  // namespace bench
