// What does a message of order flow cost? A limit order book (orderbook/OrderBook.hpp) replays a session six times: a
// generated one, or that of the LOBSTER file which FLUX_BENCH_MESSAGES names; per message, the least of the replays
// after the first. Then once more with every message timed by itself: the quantiles in the counters.

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "orderbook/FlowGenerator.hpp"
#include "orderbook/LobsterFile.hpp"
#include "orderbook/Replay.hpp"
#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kReplays = 6;

void replay(benchmark::State& state, const std::vector<orderbook::Message>& messages) {
  using Replay = orderbook::Replay<Allocator<std::byte>>;
  for (auto _ : state) {
    const orderbook::PhaseFigures whole = Replay(messages).run_whole(kReplays).warm;
    const orderbook::PhaseFigures each = Replay(messages).run_each(2).warm;
    state.counters["message_ns"] = static_cast<double>(whole.fastest) / static_cast<double>(messages.size());
    state.counters["p50_ns"] = static_cast<double>(each.p50);
    state.counters["p99_ns"] = static_cast<double>(each.p99);
    state.counters["p99.9_ns"] = static_cast<double>(each.p999);
    state.counters["max_ns"] = static_cast<double>(each.max);
  }
  report(state, messages.size() * (kReplays + 2));
}

void orderbook_generated(benchmark::State& state) {
  replay(state, orderbook::FlowGenerator(1).generate(scaled(250'000)));
}

void orderbook_recorded(benchmark::State& state, const char* file) {
  const orderbook::LobsterFile flow = orderbook::LobsterFile::read(file);
  if (flow.error()) return state.SkipWithError(flow.error()->message().c_str());
  replay(state, flow.messages());
}

/// A row that needs a file is there only where the file is.
bool add_recorded() {
  const char* const file = std::getenv("FLUX_BENCH_MESSAGES");
  if (file == nullptr) return false;
  benchmark::RegisterBenchmark("orderbook_recorded", orderbook_recorded, file)->Iterations(1)->Repetitions(1);
  return true;
}

BENCHMARK(orderbook_generated)->Iterations(1)->Repetitions(1);
const bool has_recorded = add_recorded();

}  // namespace
}  // namespace bench
