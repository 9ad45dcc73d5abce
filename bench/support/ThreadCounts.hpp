#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <thread>

namespace bench {

/// One row for each number of threads: 1, 2, 4, ... up to four times the cores. `name/N` has N of them.
inline bool add_rows_of_threads(const std::string& name, void (*row)(benchmark::State&)) {
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  for (unsigned threads = 1; threads <= 4 * cores; threads *= 2) {
    benchmark::RegisterBenchmark((name + "/" + std::to_string(threads)).c_str(), row)
        ->Threads(static_cast<int>(threads))
        ->UseRealTime();
  }
  return true;
}

}  // namespace bench
