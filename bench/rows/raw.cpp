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

constexpr std::array<std::size_t, 4> kSmall{16, 200, 24, 72};
constexpr std::array<std::size_t, 4> kOneKiB{1024, 1024, 1024, 1024};

template <class From, const auto& all>
void take_and_give(benchmark::State& state) {
  auto sizes = all;
  benchmark::DoNotOptimize(sizes);
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const std::size_t bytes = sizes[i % sizes.size()];
      void* block = From::take(bytes);
      benchmark::DoNotOptimize(block);
      From::give(block, bytes);
    }
  }
  report(state, kBlocks);
}

BENCHMARK((take_and_give<Sized, kSmall>))->Name("raw_pair");
BENCHMARK((take_and_give<Unsized, kSmall>))->Name("raw_pair_unsized");
BENCHMARK((take_and_give<Malloc, kSmall>))->Name("raw_pair_malloc");
BENCHMARK((take_and_give<Sized, kOneKiB>))->Name("raw_pair_1k");
BENCHMARK((take_and_give<Malloc, kOneKiB>))->Name("raw_pair_1k_malloc");

}  // namespace
}  // namespace bench
