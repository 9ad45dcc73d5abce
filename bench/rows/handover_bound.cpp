// What is the least that `handover_64` could take, on this machine and with any allocator? The same ring, with objects
// that are there already, in turn: they are written by one thread and read by the other, and nothing is allocated or
// freed. With as many objects as the ring holds and two batches more, which is what an allocator needs that hands out
// what came home last; and with 32,768, which no longer fit a second-level cache and come from the one that both share.

#include <algorithm>
#include <thread>
#include <vector>

#include "support/BatchRing.hpp"
#include "support/OwnCore.hpp"
#include "support/RoundTrip.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kSlots = 16;
constexpr std::size_t kObjects = 4'000'000;

struct Message {
  alignas(64) long words[8] = {};
};

using Ring = BatchRing<Message, kBatch, kSlots>;

void handover_bound(benchmark::State& state) {
  std::vector<Message> messages(static_cast<std::size_t>(state.range(0)));
  const std::size_t batches = std::max<std::size_t>(2, scaled(kObjects) / kBatch);
  state.counters["round_trip_ns"] = round_trip_ns();
  for (auto _ : counted(state)) {
    Ring ring;
    std::thread consumer([&ring, batches] {
      const OwnCore core(true);
      for (std::size_t i = 0; i != batches; ++i) {
        ring.pop([](const Ring::Batch& batch) {
          for (const Message* message : batch) benchmark::DoNotOptimize(message->words[0]);
        });
      }
    });
    const OwnCore core(false);
    std::size_t next = 0;
    for (std::size_t i = 0; i != batches; ++i) {
      ring.push([&](Ring::Batch& batch) {
        for (Message*& message : batch) {
          message = &messages[next];
          if (++next == messages.size()) next = 0;
          message->words[0] = 1;
          // In this order, as there: g++ would fill the batch first and the messages then, which takes less than half the time.
          benchmark::ClobberMemory();
        }
      });
    }
    consumer.join();
  }
  report(state, batches * kBatch);
}

BENCHMARK(handover_bound)
    ->Name("handover_64_bound")
    ->Arg(kSlots* kBatch + 2 * kBatch)
    ->Arg(32'768)
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime();

}  // namespace
}  // namespace bench
