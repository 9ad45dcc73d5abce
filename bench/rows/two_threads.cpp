// Do two threads disturb each other, each with lists of its own? Wall time per insert and erase of one
// thread, while the other does the same.

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

void two_threads(benchmark::State& state) {
  constexpr std::size_t kLive = 1'000;
  StdList list;
  for (auto _ : counted(state)) {
    fill(list, kLive);
    benchmark::DoNotOptimize(list);
    drain(list);
    benchmark::DoNotOptimize(list);
    fill(list, kLive);
    benchmark::DoNotOptimize(list);
    list.clear();
    benchmark::DoNotOptimize(list);
  }
  report(state, 2 * kLive);
}

BENCHMARK(two_threads)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace bench
