#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/Peer.hpp"
#include "support/Ready.hpp"
#include "support/Row.hpp"
#include "support/Ticks.hpp"

namespace bench {

/// What the rows of latency allocate.
struct Object64 {
  std::array<std::uint64_t, 8> words;
};

/// Allocations, with the first touch, and frees of objects of 64 bytes: `least` to `most` of them are alive. The number
/// goes up and down at random with a drift, and what is freed is chosen at random.
class Flow {
 public:
  Flow(std::size_t least, std::size_t most) : least_(least), most_(most) {
    live_.reserve(most);
    while (live_.size() != least_) allocate();
  }
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;
  ~Flow() {
    for (Object64* object : live_) alloc_.deallocate(object, 1);
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
    Object64* const object = alloc_.allocate(1);
    object->words[0] = 1;
    const std::uint32_t taken = ticks.taken();
    live_.push_back(object);
    return taken;
  }

  std::uint32_t deallocate() {
    std::swap(live_[random_.below(live_.size())], live_.back());
    Object64* const object = live_.back();
    live_.pop_back();
    const Ticks ticks;
    alloc_.deallocate(object, 1);
    return ticks.taken();
  }

  Allocator<Object64> alloc_;
  std::vector<Object64*> live_;
  std::size_t least_;
  std::size_t most_;
  bool drifts_up_ = true;
  Random random_;
};

/// p50 as `p50_ns`, p99.9 as `p99.9_ns`, and so on; the longest as `max_ns`.
inline void report_quantiles(benchmark::State& state, std::vector<std::uint32_t>& times) {
  std::sort(times.begin(), times.end());
  // To a tenth of a nanosecond: processes differ by less in how long they find a tick to last.
  const auto nanoseconds = [](std::uint32_t ticks) {
    return std::round(ticks * Ticks::nanoseconds() * 10) / 10;
  };
  for (const char* const percent :
       {"50", "75", "90", "95", "99", "99.5", "99.9", "99.95", "99.99", "99.995", "99.999"}) {
    const double share = std::strtod(percent, nullptr) / 100;
    const auto at = static_cast<std::size_t>(static_cast<double>(times.size()) * share);
    state.counters[std::string("p").append(percent).append("_ns")] = nanoseconds(times[at]);
  }
  state.counters["max_ns"] = nanoseconds(times.back());
}

/// What was there before the first operation that is timed.
enum class Before { kNothing, kTheSame, kReserve };

inline void measure_latency(benchmark::State& state, Before before) {
  const std::size_t most = scaled(190'000);
  std::vector<std::uint32_t> times(scaled(4'000'000), 1);  // resident
  for (auto _ : state) {
    if (before == Before::kReserve) Ready<Allocator<Object64>>::make(most);
    Flow flow(scaled(100'000), most);
    for (int turn = before == Before::kTheSame ? -1 : 0; turn <= 0; ++turn)
      for (std::uint32_t& time : times) time = flow.step();
  }
  report_quantiles(state, times);
  report(state, times.size());
}

}  // namespace bench
