// What does dropping a heap at once cost, and filling it? A list of 1,000,000 in a heap of its own, released whole;
// beside clearing the same list. And a list of 1,000 built and dropped, beside the thread's heap.

#include <flux/Allocator.hpp>
#include <flux/Heap.hpp>
#include <list>
#include <new>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kNodes = 1'000'000;

using HeapList = std::list<Payload, flux::HeapAllocator<Payload>>;

/// A full list that lies in the heap itself: nobody destroys it.
HeapList& filled(flux::Heap& heap, std::size_t nodes) {
  auto& list = *::new (heap.allocate(sizeof(HeapList), alignof(HeapList))) HeapList(heap);
  for (std::size_t i = 0; i < nodes; ++i) list.push_back(Payload{static_cast<long>(i)});
  return list;
}

template <class Drop>
void drop_list(benchmark::State& state, Drop drop) {
  flux::Heap heap;
  const std::size_t nodes = scaled(kNodes);
  double seconds = 0;
  for (auto _ : state) {
    HeapList& list = filled(heap, nodes);
    const Stopwatch watch;
    drop(heap, list);
    const double taken = watch.seconds();
    state.SetIterationTime(taken);
    seconds += taken;
    heap.release();
  }
  state.counters["ns_per_item"] =
      benchmark::Counter(seconds * 1e9 / static_cast<double>(nodes), benchmark::Counter::kAvgIterations);
}

void heap_release_1m(benchmark::State& state) {
  drop_list(state, [](flux::Heap& heap, HeapList&) { heap.release(); });
}
void heap_clear_1m(benchmark::State& state) {
  drop_list(state, [](flux::Heap&, HeapList& list) { list.clear(); });
}

template <class List, class... Source>
void build_and_drop(benchmark::State& state, Source&... source) {
  const std::size_t nodes = scaled(1'000);
  for (auto _ : state) {
    List list(source...);
    for (std::size_t i = 0; i < nodes; ++i) list.push_back(Payload{1});
    benchmark::DoNotOptimize(list);
  }
  report(state, nodes);
}

void heap_list_1000(benchmark::State& state) {
  flux::Heap heap;
  build_and_drop<HeapList>(state, heap);
}
void heap_list_1000_by_allocator(benchmark::State& state) {
  build_and_drop<std::list<Payload, flux::Allocator<Payload>>>(state);
}

// So many: what is timed is a small part of an iteration.
BENCHMARK(heap_release_1m)->Iterations(2)->UseManualTime();
BENCHMARK(heap_clear_1m)->Iterations(2)->UseManualTime();
BENCHMARK(heap_list_1000);
BENCHMARK(heap_list_1000_by_allocator);

}  // namespace
}  // namespace bench
