// What does an object cost that one thread makes and another frees? Batches of 64-byte objects go through a
// ring; wall time per object, both threads alive throughout. One long run of 4,000,000 rather than many short
// ones: the least of short runs is one in which the threads happened to take turns.

#include <thread>

#include "support/BatchRing.hpp"
#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kIteration = 16 * kBatch;

struct Message {
  long words[8];
};
static_assert(sizeof(Message) == 64);

using Ring = BatchRing<Message, kBatch, 16>;

void make(Ring::Batch& batch) {
  Allocator<Message> allocator;
  for (Message*& message : batch) {
    message = allocator.allocate(1);
    message->words[0] = 1;
  }
}

/// Frees the batch; false when it was the last one, which says so in its first object.
bool drop(Ring::Batch& batch) {
  Allocator<Message> allocator;
  const bool is_last = batch[0]->words[0] == 0;
  for (Message* message : batch) {
    benchmark::DoNotOptimize(message->words[0]);
    allocator.deallocate(message, 1);
  }
  return !is_last;
}

void handover(benchmark::State& state) {
  Ring ring;
  std::thread consumer([&ring] {
    for (bool more = true; more;) ring.pop([&more](Ring::Batch& batch) { more = drop(batch); });
  });
  for (auto _ : state) {
    for (std::size_t i = 0; i < kIteration / kBatch; ++i) ring.push(make);
  }
  ring.push([](Ring::Batch& batch) {
    make(batch);
    batch[0]->words[0] = 0;
  });
  consumer.join();
  report(state, kIteration);
}

BENCHMARK(handover)
    ->Name("handover_64")
    ->Iterations(static_cast<benchmark::IterationCount>(scaled(4'000'000 / kIteration)))
    ->Repetitions(1)
    ->UseRealTime();

}  // namespace
}  // namespace bench
