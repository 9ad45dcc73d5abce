// What does one operation take at its worst while another thread is busy with the same allocator? As in latency.cpp, in a
// process that has not used the allocator before.

#include <atomic>
#include <thread>

#include "support/LatencyFlow.hpp"
#include "support/Lists.hpp"

namespace bench {
namespace {

/// A thread that fills and clears lists while it lives.
class Load {
 public:
  Load() : thread_([this] { run(); }) {}
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;
  ~Load() {
    is_over_.store(true, std::memory_order_relaxed);  // a hint; join orders the rest
    thread_.join();
  }

 private:
  void run() {
    StdList list;
    while (!is_over_.load(std::memory_order_relaxed)) {
      fill(list, 10'000);
      list.clear();
    }
  }

  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

void latency_loaded(benchmark::State& state) {
  const Load load;
  measure_latency(state, Before::kNothing);
}

BENCHMARK(latency_loaded)->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
