// What does an object cost that one thread makes and another frees? Batches of 64-byte objects go through rings;
// wall time per object, all threads alive throughout, and, in the rows `_free`, the time of the consumers' frees
// alone. One long run rather than many short ones: the least of short runs is one in which the threads happened to
// take turns. Two threads have a core each, so that they never do. How long a cache line takes from core to core and back is
// told beside, as `round_trip_ns`.
//
// One producer and one consumer, with 4,000,000 objects and with 20,000,000, which are 40,000,000 operations; three
// producers, each with a ring, to one consumer; and one producer to three consumers.

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "support/BatchRing.hpp"
#include "support/OwnCore.hpp"
#include "support/Peer.hpp"
#include "support/RoundTrip.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kBatch = 256;

struct Message {
  long words[8];
};
static_assert(sizeof(Message) == 64);

using Ring = BatchRing<Message, kBatch, 16>;

/// A batch; the last one of a ring says so in its first object.
void make(Ring::Batch& batch, bool is_last) {
  Allocator<Message> allocator;
  for (Message*& message : batch) {
    message = allocator.allocate(1);
    message->words[0] = 1;
  }
  batch[0]->words[0] = is_last ? 0 : 1;
}

// What consumers are asked to measure: two clock reads a batch.
class Consumer {
 public:
  /// Frees what comes through a ring, a batch; false when it was the last one.
  bool take_batch(Ring& ring) {
    bool is_last = false;
    ring.pop([&](Ring::Batch& batch) {
      is_last = batch[0]->words[0] == 0;
      for (Message* message : batch) benchmark::DoNotOptimize(message->words[0]);
      Allocator<Message> allocator;
      const Stopwatch watch;
      for (Message* message : batch) allocator.deallocate(message, 1);
      seconds_ += watch.seconds();
    });
    return !is_last;
  }

  double seconds() const { return seconds_; }

 private:
  double seconds_ = 0;
};

/// Fills so many batches of each ring, or fewer when that takes longer than two seconds, as it does with allocators that
/// search; returns the batches.
std::size_t produce(std::span<Ring> rings, std::size_t batches) {
  const Stopwatch watch;
  for (std::size_t i = 1;; ++i) {
    const bool is_last = i == batches || watch.seconds() > 2;
    for (Ring& ring : rings) ring.push([&](Ring::Batch& batch) { make(batch, is_last); });
    if (is_last) return i * rings.size();
  }
}

/// Each ring has one producer and one consumer; who has several rings serves them in turn. One iteration.
void handover(benchmark::State& state, std::size_t objects, std::size_t producers, std::size_t consumers) {
  const std::size_t rings = std::max(producers, consumers);
  const std::size_t batches = std::max<std::size_t>(2, objects / kBatch / rings);
  std::atomic<std::size_t> handed = 0;
  double seconds_of_frees = 0;
  state.counters["round_trip_ns"] = round_trip_ns();
  const bool have_cores = producers + consumers == 2;
  std::optional<OwnCore> core;
  if (have_cores) core.emplace(false);
  for (auto _ : counted(state)) {
    std::vector<Ring> ring(rings);
    std::vector<Consumer> counted(consumers);
    std::vector<std::thread> threads;
    for (std::size_t c = 0; c != consumers; ++c) {
      threads.emplace_back([&, c] {
        std::optional<OwnCore> own;
        if (have_cores) own.emplace(true);
        std::vector<Ring*> mine;
        for (std::size_t r = c; r < rings; r += consumers) mine.push_back(&ring[r]);
        while (!mine.empty()) std::erase_if(mine, [&](Ring* from) { return !counted[c].take_batch(*from); });
      });
    }
    const std::size_t share = rings / producers;
    const auto work = [&](std::size_t p) {
      const std::size_t of_mine = produce(std::span(ring).subspan(p * share, share), batches);
      handed.fetch_add(of_mine, std::memory_order_relaxed);  // read after the threads have ended
    };
    for (std::size_t p = 1; p < producers; ++p) threads.emplace_back(work, p);
    work(0);
    for (std::thread& thread : threads) thread.join();
    for (const Consumer& consumer : counted) seconds_of_frees += consumer.seconds();
  }
  const std::size_t objects_handed = handed.load(std::memory_order_relaxed) * kBatch;
  state.counters["free_ns"] = seconds_of_frees * 1e9 / static_cast<double>(objects_handed);
  report(state, objects_handed);
}

constexpr std::size_t kObjects = 4'000'000;

BENCHMARK_CAPTURE(handover, one, scaled(kObjects), 1, 1)
    ->Name("handover_64")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime();
BENCHMARK_CAPTURE(handover, long, scaled(5 * kObjects), 1, 1)
    ->Name("handover_64_long")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime();
BENCHMARK_CAPTURE(handover, to_one, scaled(kObjects), 3, 1)
    ->Name("handover_many_to_one")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime();
BENCHMARK_CAPTURE(handover, to_many, scaled(kObjects), 1, 3)
    ->Name("handover_one_to_many")
    ->Iterations(1)
    ->Repetitions(1)
    ->UseRealTime();

}  // namespace
}  // namespace bench
