#pragma once

#include <atomic>
#include <thread>

#include "support/OwnCore.hpp"
#include "support/Row.hpp"

namespace bench {

/// Nanoseconds in which a cache line goes from the first core to the second and back, now; 0 where there is one core. In a virtual
/// machine that is not always the same: its cores are threads of the host's, which may share a core, a cache or neither.
inline double round_trip_ns() {
  if (!OwnCore::are_two()) return 0;
  constexpr int kTrips = 2'000;
  alignas(128) std::atomic<int> turn = 0;
  // acquire and release, on both sides: each pairs with the other thread's.
  std::thread other([&turn] {
    const OwnCore core(true);
    for (int i = 0; i != kTrips; ++i) {
      while (turn.load(std::memory_order_acquire) != 2 * i + 1) continue;
      turn.store(2 * i + 2, std::memory_order_release);
    }
  });
  const OwnCore core(false);
  const auto trip = [&turn](int i) {
    turn.store(2 * i + 1, std::memory_order_release);
    while (turn.load(std::memory_order_acquire) != 2 * i + 2) continue;
  };
  trip(0);  // the thread has begun
  const Stopwatch watch;
  for (int i = 1; i != kTrips; ++i) trip(i);
  const double seconds = watch.seconds();
  other.join();
  return seconds * 1e9 / (kTrips - 1);
}

}  // namespace bench
