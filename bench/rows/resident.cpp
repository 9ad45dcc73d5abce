// How much memory do objects take, all overhead included? Resident bytes per node of 4,000,000 `std::list<long>`
// nodes of 24 bytes, the process's first work; and, for objects of several sizes, 64 MiB of them, the resident bytes
// above theirs, in percent.

#include <cstddef>
#include <vector>

#include "support/Lists.hpp"
#include "support/Resident.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

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

template <std::size_t kBytes>
struct Object {
  std::byte bytes[kBytes];
};

template <std::size_t kBytes>
void overhead(benchmark::State& state) {
  const std::size_t n = scaled((std::size_t{64} << 20) / kBytes);
  Allocator<Object<kBytes>> allocator;
  std::vector<Object<kBytes>*> objects(n, reinterpret_cast<Object<kBytes>*>(&state));  // resident
  resident_bytes();
  for (auto _ : state) {
    const double before = resident_bytes();
    for (auto*& object : objects) {
      object = allocator.allocate(1);
      for (std::size_t at = 0; at < kBytes; at += 1024) object->bytes[at] = std::byte{1};
    }
    const double live = static_cast<double>(n * kBytes);
    state.counters["overhead_percent"] = (resident_bytes() - before - live) / live * 100;
    state.PauseTiming();
    for (auto* object : objects) allocator.deallocate(object, 1);
    state.ResumeTiming();
  }
  report(state, n);
}

BENCHMARK(resident_per_node)->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<16>)->Name("overhead/16")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<24>)->Name("overhead/24")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<40>)->Name("overhead/40")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<64>)->Name("overhead/64")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<128>)->Name("overhead/128")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<264>)->Name("overhead/264")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<1000>)->Name("overhead/1000")->Iterations(1)->Repetitions(1);
BENCHMARK(overhead<4000>)->Name("overhead/4000")->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
