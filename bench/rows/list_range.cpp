// What does a short-lived container cost: a list of 1,000 built from a range and dropped, again and again?

#include <vector>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

template <class List>
void list_range(benchmark::State& state) {
  const std::vector<Payload> range(1'000, Payload{1});
  for (auto _ : counted(state)) {
    List list(range.begin(), range.end());
    benchmark::DoNotOptimize(list);
  }
  report(state, range.size());
}

BENCHMARK(list_range<StdList>)->Name("list_range_1000/std");
BENCHMARK(list_range<BoostList>)->Name("list_range_1000/boost");

}  // namespace
}  // namespace bench
