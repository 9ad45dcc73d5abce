// What does one operation take at its worst? Allocation with the first touch, or a free, of objects of 64 bytes,
// 100,000 to 190,000 of which are alive: the number goes up and down at random with a drift, and what is freed
// is chosen at random. Each of 4,000,000 operations is timed by itself; the figures include two clock reads.
//
// `_reserved`: with memory made ready before; flux reserves it, the others allocate and free as much once.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "support/Peer.hpp"
#include "support/Ready.hpp"
#include "support/Row.hpp"
#include "support/Ticks.hpp"

namespace bench {
namespace {

struct Object {
  std::array<std::uint64_t, 8> words;
};

class Flow {
 public:
  Flow(std::size_t least, std::size_t most) : least_(least), most_(most) {
    live_.reserve(most);
    while (live_.size() != least_) allocate();
  }
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow() {
    for (Object* object : live_) alloc_.deallocate(object, 1);
  }

  /// One operation; the ticks it took.
  std::uint32_t step() {
    if (live_.size() == most_) drifts_up_ = false;
    if (live_.size() == least_) drifts_up_ = true;
    const bool follows = live_.size() == most_ || live_.size() == least_ || random_.below(10) < 6;
    return follows == drifts_up_ ? allocate() : deallocate();
  }

 private:
  std::uint32_t allocate() {
    const Ticks ticks;
    Object* const object = alloc_.allocate(1);
    object->words[0] = 1;
    const std::uint32_t taken = ticks.taken();
    live_.push_back(object);
    return taken;
  }

  std::uint32_t deallocate() {
    std::swap(live_[random_.below(live_.size())], live_.back());
    Object* const object = live_.back();
    live_.pop_back();
    const Ticks ticks;
    alloc_.deallocate(object, 1);
    return ticks.taken();
  }

  Allocator<Object> alloc_;
  std::vector<Object*> live_;
  std::size_t least_;
  std::size_t most_;
  bool drifts_up_ = true;
  Random random_;
};

void report_quantiles(benchmark::State& state, std::vector<std::uint32_t>& times) {
  std::sort(times.begin(), times.end());
  // To a tenth of a nanosecond: processes differ by less in how long they find a tick to last.
  const auto nanoseconds = [](std::uint32_t ticks) {
    return std::round(ticks * Ticks::nanoseconds() * 10) / 10;
  };
  const auto quantile = [&](std::size_t per_million) {
    return nanoseconds(times[times.size() * per_million / 1'000'000]);
  };
  state.counters["p50_ns"] = quantile(500'000);
  state.counters["p99_ns"] = quantile(990'000);
  state.counters["p999_ns"] = quantile(999'000);
  state.counters["p9999_ns"] = quantile(999'900);
  state.counters["max_ns"] = nanoseconds(times.back());
}

void latency(benchmark::State& state, bool is_reserved) {
  const std::size_t most = scaled(190'000);
  std::vector<std::uint32_t> times(scaled(4'000'000), 1);  // resident
  for (auto _ : state) {
    if (is_reserved) Ready<Allocator<Object>>::make(most);
    Flow flow(scaled(100'000), most);
    for (std::uint32_t& time : times) time = flow.step();
  }
  report_quantiles(state, times);
  report(state, times.size());
}

BENCHMARK_CAPTURE(latency, reserved, true)->Name("latency_reserved")->Iterations(1)->Repetitions(1);
BENCHMARK_CAPTURE(latency, as_it_comes, false)->Name("latency")->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
