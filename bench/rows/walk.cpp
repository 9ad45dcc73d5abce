// How fast is a container to walk after its life has mixed its memory up? The walk of a list of 500,000,
// freshly filled, against the same after a random 90 % was erased and refilled; per node. A fixed number of
// iterations, so that the list is built once: it is fresh only in a process of its own.

#include <utility>
#include <vector>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr int kWalks = 6;

long sum_of(const StdList& list) {
  long sum = 0;
  for (const Payload& payload : list) sum += payload.value;
  return sum;
}

void erase_nine_tenths_at_random(StdList& list) {
  std::vector<StdList::iterator> places;
  places.reserve(list.size());
  for (auto it = list.begin(); it != list.end(); ++it) places.push_back(it);
  Random random;
  for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
  places.resize(places.size() / 10 * 9);
  for (const auto place : places) list.erase(place);
}

void walk(benchmark::State& state, const StdList& list) {
  benchmark::DoNotOptimize(sum_of(list));  // brings what fits into the caches, for both rows alike
  for (auto _ : counted(state)) benchmark::DoNotOptimize(sum_of(list));
  report(state, list.size());
}

void walk_fresh(benchmark::State& state) {
  StdList list;
  fill(list, scaled(500'000));
  walk(state, list);
}

void walk_refilled(benchmark::State& state) {
  const std::size_t n = scaled(500'000);
  StdList list;
  fill(list, n);
  const Stopwatch watch;
  for (int i = 0; i < kWalks; ++i) benchmark::DoNotOptimize(sum_of(list));
  state.counters["when_fresh_ns"] = watch.seconds() * 1e9 / static_cast<double>(n) / kWalks;
  erase_nine_tenths_at_random(list);
  fill(list, n - list.size());
  walk(state, list);
}

BENCHMARK(walk_fresh)->Iterations(kWalks)->Repetitions(1);
BENCHMARK(walk_refilled)->Iterations(kWalks)->Repetitions(1);

}  // namespace
}  // namespace bench
