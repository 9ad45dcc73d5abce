// The tables that other allocators of this kind have published, row by row; what they said is in
// comparison/published.py.
//
// - published_list_500k: a list of 500,000 nodes of 32 bytes, filled and dropped.
// - two_threads (in two_threads.cpp).
// - handover_64_long (in handover.cpp): 40,000,000 operations.
// - published_128: objects of 128 bytes, 1,000 made, then all freed; the time of each by itself.
// - published_64, published_1024: objects of 64 and 1,024 bytes, the pair.

#include <array>
#include <cstddef>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

struct TwoLongs {
  long words[2] = {};
};

void published_list_500k(benchmark::State& state) {
  const std::size_t n = scaled(500'000);
  for (auto _ : counted(state)) {
    StdListOf<TwoLongs> list;
    for (std::size_t i = 0; i < n; ++i) list.emplace_back();
    benchmark::DoNotOptimize(list);
  }
  report(state, n);
}

template <std::size_t kBytes>
struct Object {
  std::byte bytes[kBytes];
};

template <std::size_t kBytes>
class Objects {
 public:
  static constexpr std::size_t kCount = 1'000;

  void make() {
    for (auto*& object : objects_) {
      object = allocator_.allocate(1);
      object->bytes[0] = std::byte{1};
    }
    benchmark::DoNotOptimize(objects_);
  }
  void drop() {
    for (auto* object : objects_) allocator_.deallocate(object, 1);
    benchmark::DoNotOptimize(objects_);
  }

 private:
  Allocator<Object<kBytes>> allocator_;
  std::array<Object<kBytes>*, kCount> objects_;
};

template <std::size_t kBytes>
void published_pair(benchmark::State& state) {
  Objects<kBytes> objects;
  for (auto _ : counted(state)) {
    objects.make();
    objects.drop();
  }
  report(state, Objects<kBytes>::kCount);
}

void published_128(benchmark::State& state) {
  Objects<128> objects;
  double making = 0;
  double dropping = 0;
  for (auto _ : counted(state)) {
    const Stopwatch watch;
    objects.make();
    const double made = watch.seconds();
    objects.drop();
    making += made;
    dropping += watch.seconds() - made;
  }
  const double items = static_cast<double>(state.iterations()) * Objects<128>::kCount;
  state.counters["allocate_ns"] = making * 1e9 / items;
  state.counters["deallocate_ns"] = dropping * 1e9 / items;
  report(state, Objects<128>::kCount);
}

BENCHMARK(published_list_500k);
BENCHMARK(published_128);
BENCHMARK(published_pair<64>)->Name("published_64");
BENCHMARK(published_pair<1024>)->Name("published_1024");

}  // namespace
}  // namespace bench
