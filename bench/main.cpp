// flux_bench: what the containers of rows/ cost with one allocator. One program per allocator, out of the
// same sources, because peers that replace malloc would disturb each other in one process.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "support/Peer.hpp"

namespace {

/// A second thread that sleeps throughout. glibc skips its locks in a process that never started one, and the
/// programs this is about have threads. FLUX_BENCH_ALONE=1 leaves it out.
bool start_sleeper() {
  if (std::getenv("FLUX_BENCH_ALONE") != nullptr) return false;
  std::thread([] {
    for (;;) ::pause();
  }).detach();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("allocator", bench::kPeerName);
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("sleeping thread", start_sleeper() ? "yes" : "no");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
