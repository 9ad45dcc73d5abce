// What does a buffer cost? Of 1 KiB, got and put without zeroing, beside the raw pair; of 1, 4, 16 and 64 KiB in turn
// with 32 in use, without and with zeroing, beside operator new with the same.

#include <array>
#include <cstddef>
#include <cstring>
#include <flux/BufferPool.hpp>
#include <new>

#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kBuffers = 1'024;
constexpr std::size_t kInUse = 32;

void buffer_pair_1k(benchmark::State& state) {
  flux::BufferPool pool({.zeroing = flux::Zeroing::kNone});
  std::size_t bytes = 1024;
  benchmark::DoNotOptimize(bytes);
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kBuffers; ++i) {
      flux::Buffer buffer = pool.get(bytes);
      benchmark::DoNotOptimize(buffer.data());
    }
  }
  report(state, kBuffers);
}

std::size_t size_of(std::size_t i) { return std::size_t{1024} << 2 * ((i + i / kInUse) % 4); }

template <flux::Zeroing zeroing>
void buffer_mixed(benchmark::State& state) {
  flux::BufferPool pool({.zeroing = zeroing});
  std::array<flux::Buffer, kInUse> buffers;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kBuffers; ++i) {
      flux::Buffer& buffer = buffers[i % kInUse];
      buffer = pool.get(size_of(i));
      benchmark::DoNotOptimize(buffer.data());
    }
  }
  report(state, kBuffers);
}

template <flux::Zeroing zeroing>
void new_mixed(benchmark::State& state) {
  std::array<void*, kInUse> buffers{};
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kBuffers; ++i) {
      void*& buffer = buffers[i % kInUse];
      void* const next = ::operator new(size_of(i));
      if (zeroing == flux::Zeroing::kOnGet) std::memset(next, 0, size_of(i));
      ::operator delete(buffer);
      buffer = next;
      benchmark::DoNotOptimize(buffer);
    }
  }
  for (void* buffer : buffers) ::operator delete(buffer);
  report(state, kBuffers);
}

BENCHMARK(buffer_pair_1k);
BENCHMARK(buffer_mixed<flux::Zeroing::kNone>)->Name("buffer_mixed");
BENCHMARK(new_mixed<flux::Zeroing::kNone>)->Name("buffer_mixed_new");
BENCHMARK(buffer_mixed<flux::Zeroing::kOnGet>)->Name("buffer_mixed_zeroed");
BENCHMARK(new_mixed<flux::Zeroing::kOnGet>)->Name("buffer_mixed_zeroed_new");

}  // namespace
}  // namespace bench
