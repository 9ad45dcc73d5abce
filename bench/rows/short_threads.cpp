// What does a thread cost that lives only for one list of 2,000? Wall time from its start to its end, per
// node.

#include <thread>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

void short_threads(benchmark::State& state) {
  constexpr std::size_t kNodes = 2'000;
  for (auto _ : state) {
    std::thread worker([] {
      StdList list;
      fill(list, kNodes);
      benchmark::DoNotOptimize(list);
    });
    worker.join();
  }
  report(state, kNodes);
}

BENCHMARK(short_threads)->UseRealTime();

}  // namespace
}  // namespace bench
