// What does a handle cost beside a pointer? Looked up: a sum over 1,000 objects in cache, in random order.
// Made: an object created and destroyed, one at a time and 1,000 at a time, destroyed in random order; beside
// the bare pair of allocation and free in the same class.

#include <flux/Allocator.hpp>
#include <flux/HandlePool.hpp>
#include <new>
#include <utility>
#include <vector>

#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kObjects = 1'000;
constexpr int kSums = 20;  // of an iteration, so that its own cost does not count

struct Object {
  explicit Object(long given) noexcept : value(given) {}
  long value;
  long more[2] = {};
};

template <class Element>
void shuffle(std::vector<Element>& elements) {
  Random random;
  for (std::size_t i = elements.size(); i > 1; --i) std::swap(elements[i - 1], elements[random.below(i)]);
}

/// Objects by either name.
class Objects {
 public:
  Objects() {
    for (std::size_t i = 0; i < kObjects; ++i) handles_.push_back(pool_.create(static_cast<long>(i)));
    shuffle(handles_);
    for (const flux::Handle<Object> handle : handles_) pointers_.push_back(pool_.get(handle));
  }

  long sum_by_handle() const {
    long sum = 0;
    for (const flux::Handle<Object> handle : handles_)
      if (const Object* const object = pool_.get(handle)) sum += object->value;
    return sum;
  }
  long sum_by_pointer() const {
    long sum = 0;
    for (const Object* const object : pointers_) sum += object->value;
    return sum;
  }

 private:
  flux::HandlePool<Object> pool_;
  std::vector<flux::Handle<Object>> handles_;
  std::vector<const Object*> pointers_;
};

void handle_get(benchmark::State& state) {
  const Objects objects;
  for (auto _ : counted(state))
    for (int i = 0; i < kSums; ++i) benchmark::DoNotOptimize(objects.sum_by_handle());
  report(state, kSums * kObjects);
}

void handle_get_by_pointer(benchmark::State& state) {
  const Objects objects;
  for (auto _ : counted(state))
    for (int i = 0; i < kSums; ++i) benchmark::DoNotOptimize(objects.sum_by_pointer());
  report(state, kSums * kObjects);
}

// Both ways to make an object, with the same life.
struct Handles {
  using Name = flux::Handle<Object>;
  Name make(long value) { return pool.create(value); }
  void drop(Name name) { pool.destroy(name); }
  flux::HandlePool<Object> pool;
};

struct Pointers {
  using Name = Object*;
  Name make(long value) { return ::new (flux::Allocator<Object>{}.allocate(1)) Object(value); }
  void drop(Name name) { flux::Allocator<Object>{}.deallocate(name, 1); }
};

template <class Maker>
void make_and_drop(benchmark::State& state) {
  Maker maker;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kObjects; ++i) {
      auto name = maker.make(static_cast<long>(i));
      benchmark::DoNotOptimize(name);
      maker.drop(name);
    }
  }
  report(state, kObjects);
}

template <class Maker>
void make_many_and_drop_them(benchmark::State& state) {
  Maker maker;
  std::vector<std::size_t> order(kObjects);
  for (std::size_t i = 0; i < kObjects; ++i) order[i] = i;
  shuffle(order);
  std::vector<typename Maker::Name> names(kObjects);
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kObjects; ++i) names[i] = maker.make(static_cast<long>(i));
    for (const std::size_t i : order) maker.drop(names[i]);
  }
  report(state, kObjects);
}

BENCHMARK(handle_get);
BENCHMARK(handle_get_by_pointer);
BENCHMARK(make_and_drop<Handles>)->Name("handle_pair");
BENCHMARK(make_and_drop<Pointers>)->Name("handle_pair_by_pointer");
BENCHMARK(make_many_and_drop_them<Handles>)->Name("handle_burst");
BENCHMARK(make_many_and_drop_them<Pointers>)->Name("handle_burst_by_pointer");

}  // namespace
}  // namespace bench
