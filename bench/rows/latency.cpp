// What does one operation take at its worst? Allocation with the first touch, or a free, of objects of 64 bytes,
// 100,000 to 190,000 of which are alive. Each of 4,000,000 operations is timed by itself; the figures include two
// clock reads.
//
// `latency`: in a process that has not used the allocator before. `_warm`: after the same once. `_reserved`: with memory
// made ready before; flux reserves it, the others allocate and free as much once.

#include "support/LatencyFlow.hpp"

namespace bench {
namespace {

void latency(benchmark::State& state) { measure_latency(state, Before::kNothing); }
void latency_warm(benchmark::State& state) { measure_latency(state, Before::kTheSame); }
void latency_reserved(benchmark::State& state) { measure_latency(state, Before::kReserve); }

BENCHMARK(latency_reserved)->Iterations(1)->Repetitions(1);
BENCHMARK(latency)->Iterations(1)->Repetitions(1);
BENCHMARK(latency_warm)->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
