// Does memory stay, grow, or go back? Resident memory above that before the first object:
//
// - growth: 25,000 objects of 64 bytes, of which a random half is freed and allocated again, 1,000 times; by how many
//   percent it is more after the last time than after the tenth.
// - left_after_peak: a list of 2,000,000 nodes, cleared; and a thousand small lists made and dropped after it, as
//   programs go on. MiB.
// - drift: 24 steps in which the program replaces its 100,000 objects, a random tenth at a time, by objects of the
//   next size, from 24 to 392 bytes; MiB at the end, and after each step in the counters.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <vector>

#include "support/Lists.hpp"
#include "support/Resident.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

constexpr double kMiB = 1 << 20;

template <std::size_t kBytes>
struct Object {
  std::byte bytes[kBytes];
};

/// Allocates one, and touches it.
template <std::size_t kBytes>
void* take() {
  auto* const object = Allocator<Object<kBytes>>{}.allocate(1);
  object->bytes[0] = object->bytes[kBytes - 1] = std::byte{1};
  return object;
}
template <std::size_t kBytes>
void give(void* object) {
  Allocator<Object<kBytes>>{}.deallocate(static_cast<Object<kBytes>*>(object), 1);
}

template <class T>
void shuffle(std::vector<T>& values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
}

void growth(benchmark::State& state) {
  constexpr std::size_t kBytes = 64;
  const std::size_t cycles = scaled(1'000);
  std::vector<void*> objects(scaled(25'000), &state);
  Random random;
  resident_bytes();
  for (auto _ : state) {
    const double before = resident_bytes();
    double early = 0;
    for (void*& object : objects) object = take<kBytes>();
    for (std::size_t cycle = 0; cycle != cycles; ++cycle) {
      shuffle(objects, random);
      for (std::size_t i = 0; i < objects.size() / 2; ++i) give<kBytes>(objects[i]);
      for (std::size_t i = 0; i < objects.size() / 2; ++i) objects[i] = take<kBytes>();
      if (cycle == 9) early = resident_bytes() - before;
    }
    state.counters["growth_percent"] = (resident_bytes() - before - early) / early * 100;
    for (void* object : objects) give<kBytes>(object);
  }
  report(state, cycles * objects.size() / 2);
}

void left_after_peak(benchmark::State& state) {
  resident_bytes();
  for (auto _ : state) {
    const double before = resident_bytes();
    StdList list;
    fill(list, scaled(2'000'000));
    list.clear();
    for (int i = 0; i < 1'000; ++i) {
      fill(list, 1'000);
      benchmark::DoNotOptimize(list);
      list.clear();
    }
    state.counters["left_mib"] = std::max(0.0, resident_bytes() - before) / kMiB;
  }
  report(state, scaled(2'000'000));
}

constexpr std::size_t kSteps = 24;
constexpr std::size_t size_at(std::size_t step) { return 24 + 16 * step; }

/// What the objects are at a step: each is of this step's size or of the one before.
class Drift {
 public:
  explicit Drift(std::size_t n) : objects_(n) {
    for (void*& object : objects_) object = take<size_at(0)>();
  }

  template <std::size_t kStep>
  void next() {
    shuffle(objects_, random_);
    const std::size_t part = objects_.size() / 10 + 1;
    for (std::size_t from = 0; from < objects_.size(); from += part) {
      const std::size_t to = std::min(from + part, objects_.size());
      for (std::size_t i = from; i != to; ++i) give<size_at(kStep - 1)>(objects_[i]);
      for (std::size_t i = from; i != to; ++i) objects_[i] = take<size_at(kStep)>();
    }
  }

  void end() {
    for (void* object : objects_) give<size_at(kSteps)>(object);
  }

 private:
  std::vector<void*> objects_;
  Random random_;
};

template <std::size_t... kStep>
void drift_on(benchmark::State& state, Drift& drift, double before, std::index_sequence<kStep...>) {
  const auto step = [&]<std::size_t kNumber>() {
    drift.next<kNumber>();
    std::array<char, 16> name;
    std::snprintf(name.data(), name.size(), "mib_%02zu", kNumber);
    state.counters[name.data()] = state.counters["drift_mib"] = (resident_bytes() - before) / kMiB;
  };
  (step.template operator()<kStep + 1>(), ...);
}

void drift(benchmark::State& state) {
  resident_bytes();
  for (auto _ : state) {
    const double before = resident_bytes();
    Drift objects(scaled(100'000));
    drift_on(state, objects, before, std::make_index_sequence<kSteps>{});
    objects.end();
  }
  report(state, kSteps * scaled(100'000));
}

BENCHMARK(growth)->Iterations(1)->Repetitions(1);
BENCHMARK(left_after_peak)->Iterations(1)->Repetitions(1);
BENCHMARK(drift)->Iterations(1)->Repetitions(1);

}  // namespace
}  // namespace bench
