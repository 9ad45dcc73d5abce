// What does memory by its size cost, the size known only at run time? One block at a time; freed with its size and
// without; beside the system's allocator.

#include <array>
#include <cstddef>
#include <cstdlib>
#include <flux/Raw.hpp>

#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kBlocks = 1'024;

struct Sized {
  static void* take(std::size_t bytes) { return flux::allocate(bytes); }
  static void give(void* block, std::size_t bytes) { flux::deallocate(block, bytes); }
};
struct Unsized {
  static void* take(std::size_t bytes) { return flux::allocate(bytes); }
  static void give(void* block, std::size_t) { flux::deallocate(block); }
};
struct Malloc {
  static void* take(std::size_t bytes) { return std::malloc(bytes); }
  static void give(void* block, std::size_t) { std::free(block); }
};

template <class From>
void take_and_give(benchmark::State& state, std::array<std::size_t, 4> sizes) {
  benchmark::DoNotOptimize(sizes);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const std::size_t bytes = sizes[i % sizes.size()];
      void* block = From::take(bytes);
      benchmark::DoNotOptimize(block);
      From::give(block, bytes);
    }
  }
  report(state, kBlocks);
}

constexpr std::array<std::size_t, 4> kSmall{16, 200, 24, 72};
constexpr std::array<std::size_t, 4> kOneKiB{1024, 1024, 1024, 1024};

BENCHMARK_CAPTURE(take_and_give<Sized>, small, kSmall)->Name("raw_pair");
BENCHMARK_CAPTURE(take_and_give<Unsized>, small, kSmall)->Name("raw_pair_unsized");
BENCHMARK_CAPTURE(take_and_give<Malloc>, small, kSmall)->Name("raw_pair_malloc");
BENCHMARK_CAPTURE(take_and_give<Sized>, one_kib, kOneKiB)->Name("raw_pair_1k");
BENCHMARK_CAPTURE(take_and_give<Malloc>, one_kib, kOneKiB)->Name("raw_pair_1k_malloc");

}  // namespace
}  // namespace bench
