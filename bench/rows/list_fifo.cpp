// What does a queue cost with 1,000 live? Steady: one in at the back, one out at the front. Burst: it fills
// to 1,000 and drains again, so that more than a handful of nodes are free at a time.

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kLive = 1'000;

template <class List>
void list_fifo(benchmark::State& state) {
  List list;
  fill(list, kLive);
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kLive; ++i) {
      list.emplace_back(static_cast<long>(i));
      list.pop_front();
    }
    benchmark::DoNotOptimize(list);
  }
  report(state, kLive);
}

template <class List>
void list_fifo_burst(benchmark::State& state) {
  List list;
  for (auto _ : counted(state)) {
    fill(list, kLive);
    benchmark::DoNotOptimize(list);
    drain(list);
    benchmark::DoNotOptimize(list);
  }
  report(state, kLive);
}

BENCHMARK(list_fifo<StdList>)->Name("list_fifo_1000/std");
BENCHMARK(list_fifo<BoostList>)->Name("list_fifo_1000/boost");
BENCHMARK(list_fifo_burst<StdList>)->Name("list_fifo_1000_burst/std");
BENCHMARK(list_fifo_burst<BoostList>)->Name("list_fifo_1000_burst/boost");

}  // namespace
}  // namespace bench
