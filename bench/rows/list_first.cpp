// What does the first growth of a process cost, when every page is touched for the first time? The figure is
// the fill; `with_clear_ns` adds the clear. One iteration, and true only when it is the first thing its
// process does.

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

template <class List>
void list_first(benchmark::State& state) {
  static bool is_first = true;
  const std::size_t n = scaled(500'000);
  for (auto _ : state) {
    List list;
    const Stopwatch watch;
    fill(list, n);
    benchmark::DoNotOptimize(list);
    const double filled = watch.seconds();
    list.clear();
    benchmark::DoNotOptimize(list);
    state.counters["with_clear_ns"] = watch.seconds() * 1e9 / static_cast<double>(n);
    state.SetIterationTime(filled);
  }
  if (!is_first) state.SetLabel("not the first of its process");
  is_first = false;
  report(state, n);
}

BENCHMARK(list_first<StdList>)->Name("list_500k_first/std")->Iterations(1)->Repetitions(1)->UseManualTime();
BENCHMARK(list_first<BoostList>)
    ->Name("list_500k_first/boost")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseManualTime();

}  // namespace
}  // namespace bench
