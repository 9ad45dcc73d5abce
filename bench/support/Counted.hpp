#pragma once

// What the processor counts while a row's loop runs: instructions, cycles, and misses of the caches and of the
// translation look-aside buffer, all of user mode. Only with FLUX_BENCH_COUNT=1, because starting threads takes longer
// then; and nothing where the machine does not offer it, as most virtual ones do not.

#include <benchmark/benchmark.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace bench {

/// One event, of the thread that makes the counter and of those that it starts from then on.
class EventCounter {
 public:
  EventCounter(std::uint32_t type, std::uint64_t event) {
    if (!is_asked_for()) return;
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = event;
    attributes.disabled = 1;
    attributes.inherit = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    file_ = static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
    if (file_ >= 0) ::ioctl(file_, PERF_EVENT_IOC_ENABLE, 0);
  }
  EventCounter(const EventCounter&) = delete;
  EventCounter& operator=(const EventCounter&) = delete;
  ~EventCounter() {
    if (file_ >= 0) ::close(file_);
  }

  /// How often it happened, extrapolated when counters had to take turns; below 0 when nobody counts.
  double count() const {
    struct {
      std::uint64_t value, enabled, running;
    } counted{};
    if (file_ < 0 || ::read(file_, &counted, sizeof counted) != sizeof counted || counted.running == 0)
      return -1;
    return static_cast<double>(counted.value) * static_cast<double>(counted.enabled) /
           static_cast<double>(counted.running);
  }

 private:
  static bool is_asked_for() {
    static const bool is = std::getenv("FLUX_BENCH_COUNT") != nullptr;
    return is;
  }

  int file_ = -1;
};

struct CountedEvent {
  const char* name;
  std::uint32_t type;
  std::uint64_t event;
};

inline constexpr std::array<CountedEvent, 4> kCountedEvents{{
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
    {"tlb_misses", PERF_TYPE_HW_CACHE,
     PERF_COUNT_HW_CACHE_DTLB | (PERF_COUNT_HW_CACHE_OP_READ << 8) | (PERF_COUNT_HW_CACHE_RESULT_MISS << 16)},
}};

/// What the calling thread's last counted loop did, in the order of kCountedEvents; below 0 when nobody counted.
inline thread_local std::array<double, kCountedEvents.size()> last_counts{-1, -1, -1, -1};

/// A row's loop: `for (auto _ : counted(state))` counts what `for (auto _ : state)` does, and `report` tells of it. For
/// rows that do nothing in their loops besides what they time.
class Counted {
 public:
  explicit Counted(benchmark::State& state) : state_(state) {}
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() {
    for (std::size_t i = 0; i != counters_.size(); ++i) last_counts[i] = counters_[i].count();
  }

  auto begin() { return state_.begin(); }
  auto end() { return state_.end(); }

 private:
  static EventCounter counter(std::size_t i) { return {kCountedEvents[i].type, kCountedEvents[i].event}; }

  benchmark::State& state_;
  std::array<EventCounter, kCountedEvents.size()> counters_{counter(0), counter(1), counter(2), counter(3)};
};

[[nodiscard]] inline Counted counted(benchmark::State& state) { return Counted(state); }

}  // namespace bench
