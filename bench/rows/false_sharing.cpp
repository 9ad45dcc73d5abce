// Do threads that write to small objects of their own disturb each other? After Berger and others (Hoard: A Scalable
// Memory Allocator for Multithreaded Applications, 2000): each of two threads makes an object of 8 bytes, writes to
// it 100 times and frees it. Active: all by itself. Passive: it frees one that another thread made first, and must
// not be given a neighbour of the others' then. Wall time per write: where a line is shared, many times
// what it is otherwise.

#include <array>
#include <atomic>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kWrites = 100;
constexpr std::size_t kRounds = 100;
constexpr int kThreads = 2;

void write_to_new_object() {
  Allocator<long> allocator;
  long* const object = allocator.allocate(1);
  auto* const written = static_cast<volatile long*>(object);
  *written = 0;
  for (std::size_t i = 0; i < kWrites; ++i) *written = *written + 1;
  allocator.deallocate(object, 1);
}

void false_sharing_active(benchmark::State& state) {
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kRounds; ++i) write_to_new_object();
  }
  report(state, kRounds * kWrites);
}

// Neighbours, made by one thread, one for each.
std::array<std::atomic<long*>, kThreads> given{};

void false_sharing_passive(benchmark::State& state) {
  Allocator<long> allocator;
  // relaxed: the benchmark has a barrier before the loop and one after it.
  if (state.thread_index() == 0) {
    for (auto& object : given) object.store(allocator.allocate(1), std::memory_order_relaxed);
  }
  bool has_freed = false;
  for (auto _ : counted(state)) {
    if (!has_freed) {
      auto& mine = given[static_cast<std::size_t>(state.thread_index())];
      allocator.deallocate(mine.load(std::memory_order_relaxed), 1);
      has_freed = true;
    }
    for (std::size_t i = 0; i < kRounds; ++i) write_to_new_object();
  }
  report(state, kRounds * kWrites);
}

BENCHMARK(false_sharing_active)->Threads(kThreads)->UseRealTime();
BENCHMARK(false_sharing_passive)->Threads(kThreads)->UseRealTime();

}  // namespace
}  // namespace bench
