// What does a snapshot of the statistics cost, with ten size classes in use?

#include <array>
#include <cstddef>
#include <flux/Raw.hpp>
#include <flux/Statistics.hpp>

#include "support/Row.hpp"

namespace bench {
namespace {

void stats_10_classes(benchmark::State& state) {
  std::array<void*, 10> objects;
  for (std::size_t i = 0; i < objects.size(); ++i) objects[i] = flux::allocate(24 + 8 * i, 8);
  for (auto _ : counted(state)) {
    const flux::Statistics statistics = flux::stats();
    benchmark::DoNotOptimize(&statistics);
  }
  for (std::size_t i = 0; i < objects.size(); ++i) flux::deallocate(objects[i], 24 + 8 * i, 8);
  report(state, 1);
}

BENCHMARK(stats_10_classes);

}  // namespace
}  // namespace bench
