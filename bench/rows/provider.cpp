// What does a typed provider cost beside the allocator? One object at a time, and 1,000 at a time, freed in the order
// they were made in. The same for objects too large for containers' slabs.

#include <cstddef>
#include <flux/Allocator.hpp>
#include <flux/SlabProvider.hpp>
#include <vector>

#include "support/Row.hpp"

namespace bench {

struct ProvidedObject {
  long values[6];
};
struct LargeProvidedObject {
  std::byte bytes[std::size_t{100} << 10];
};

namespace {

constexpr std::size_t kObjects = 1'000;

template <class Object>
struct Provided {
  using Provider = flux::SlabProvider<Object, "Objects">;
  static void* take() { return Provider::alloc_raw(); }
  static void give(void* object) { Provider::free_raw(object); }
};

template <class Object>
struct Allocated {
  static void* take() { return flux::Allocator<Object>{}.allocate(1); }
  static void give(void* object) { flux::Allocator<Object>{}.deallocate(static_cast<Object*>(object), 1); }
};

template <class From>
void take_and_give(benchmark::State& state) {
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kObjects; ++i) {
      void* object = From::take();
      benchmark::DoNotOptimize(object);
      From::give(object);
    }
  }
  report(state, kObjects);
}

template <class From>
void take_many_and_give(benchmark::State& state) {
  std::vector<void*> objects(kObjects);
  for (auto _ : counted(state)) {
    for (void*& object : objects) object = From::take();
    benchmark::DoNotOptimize(objects.data());
    for (void* object : objects) From::give(object);
  }
  report(state, kObjects);
}

BENCHMARK(take_and_give<Allocated<ProvidedObject>>)->Name("allocator_pair");
BENCHMARK(take_and_give<Provided<ProvidedObject>>)->Name("provider_pair");
BENCHMARK(take_many_and_give<Allocated<ProvidedObject>>)->Name("allocator_many");
BENCHMARK(take_many_and_give<Provided<ProvidedObject>>)->Name("provider_many");
BENCHMARK(take_and_give<Allocated<LargeProvidedObject>>)->Name("allocator_pair_100k");
BENCHMARK(take_and_give<Provided<LargeProvidedObject>>)->Name("provider_pair_100k");

}  // namespace
}  // namespace bench
