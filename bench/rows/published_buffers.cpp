// Buffers as pools of them are usually measured, each row for three: `/flux`, flux::BufferPool; `/free_list`, a plain
// pool, one free list per power of two, for one thread; `/new`, operator new. None zeroes.
//
// basic: 1 KiB, one at a time. small: 64 bytes. large: 256 KiB. exact: 4,096 bytes, a class; inexact: 3,000.
// oversized: 2 MiB, above all classes. high_frequency: 256 bytes, the last eight in use. batch: 100 of 1 KiB got, then
// put. mixed: eight sizes from 10 bytes to 100,000. default_classes: each of the twenty in turn. pressure: 10,000 of
// 4 KiB in use, a random one replaced. direct: 1 KiB without an object that owns it, through flux::allocate.
// look_up: the class alone, by the width of the size in bits and by search. statistics: a snapshot of the pool's.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <flux/BufferPool.hpp>
#include <flux/Raw.hpp>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "support/Row.hpp"

namespace bench {
namespace {

class FluxBuffers {
 public:
  using Buffer = flux::Buffer;
  Buffer get(std::size_t bytes) { return pool_.get(bytes); }

 private:
  flux::BufferPool pool_{{.zeroing = flux::Zeroing::kNone}};
};

/// A buffer that goes back to `Source` with its size.
template <class Source>
class Owner {
 public:
  Owner() = default;
  Owner(Source& source, std::size_t bytes) : source_(&source), bytes_(bytes), data_(source.take(bytes)) {}
  Owner(Owner&& other) noexcept { swap(other); }
  Owner& operator=(Owner&& other) noexcept {
    Owner(std::move(other)).swap(*this);
    return *this;
  }
  ~Owner() {
    if (data_ != nullptr) source_->give(data_, bytes_);
  }

  void* data() const { return data_; }

 private:
  void swap(Owner& other) noexcept {
    std::swap(source_, other.source_);
    std::swap(bytes_, other.bytes_);
    std::swap(data_, other.data_);
  }

  Source* source_ = nullptr;
  std::size_t bytes_ = 0;
  void* data_ = nullptr;
};

class NewBuffers {
 public:
  using Buffer = Owner<NewBuffers>;
  Buffer get(std::size_t bytes) { return {*this, bytes}; }

  void* take(std::size_t bytes) { return ::operator new(bytes); }
  void give(void* data, std::size_t bytes) noexcept { ::operator delete(data, bytes); }
};

class DirectBuffers {
 public:
  using Buffer = Owner<DirectBuffers>;
  Buffer get(std::size_t bytes) { return {*this, bytes}; }

  void* take(std::size_t bytes) { return flux::allocate(bytes); }
  void give(void* data, std::size_t bytes) noexcept { flux::deallocate(data, bytes); }
};

class FreeListBuffers {
 public:
  using Buffer = Owner<FreeListBuffers>;

  FreeListBuffers() = default;
  FreeListBuffers(const FreeListBuffers&) = delete;
  FreeListBuffers& operator=(const FreeListBuffers&) = delete;
  ~FreeListBuffers() {
    for (auto& list : free_)
      for (void* data : list) ::operator delete(data);
  }

  Buffer get(std::size_t bytes) { return {*this, bytes}; }

  void* take(std::size_t bytes) {
    if (bytes > kMost) return ::operator new(bytes);
    auto& list = free_[class_of(bytes)];
    if (list.empty()) return ::operator new(std::bit_ceil(bytes));
    void* const data = list.back();
    list.pop_back();
    return data;
  }
  void give(void* data, std::size_t bytes) noexcept {
    if (bytes > kMost) return ::operator delete(data);
    free_[class_of(bytes)].push_back(data);
  }

 private:
  static constexpr std::size_t kMost = std::size_t{1} << 20;
  static std::size_t class_of(std::size_t bytes) {
    return static_cast<std::size_t>(std::bit_width(bytes - 1));
  }

  std::array<std::vector<void*>, 21> free_;
};

constexpr std::size_t kGets = 1'000;

/// One at a time, of these sizes in turn.
template <class Pool, std::size_t... kSizes>
void in_turn(benchmark::State& state) {
  Pool pool;
  std::array<std::size_t, sizeof...(kSizes)> sizes{kSizes...};
  benchmark::DoNotOptimize(sizes);
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kGets; ++i) {
      const typename Pool::Buffer buffer = pool.get(sizes[i % sizes.size()]);
      benchmark::DoNotOptimize(buffer.data());
    }
  }
  report(state, kGets);
}

template <class Pool>
void default_classes(benchmark::State& state) {
  Pool pool;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kGets; ++i) {
      const typename Pool::Buffer buffer = pool.get(std::size_t{2} << i % 20);
      benchmark::DoNotOptimize(buffer.data());
    }
  }
  report(state, kGets);
}

template <class Pool>
void batch(benchmark::State& state) {
  Pool pool;
  std::array<typename Pool::Buffer, 100> buffers;
  for (auto _ : counted(state)) {
    for (auto& buffer : buffers) buffer = pool.get(1024);
    benchmark::DoNotOptimize(buffers);
    for (auto& buffer : buffers) buffer = {};
  }
  report(state, buffers.size());
}

/// `in_use` buffers, of which one after another is replaced: in turn, or at random.
template <class Pool>
void replace(benchmark::State& state, std::size_t in_use, std::size_t bytes, bool is_random) {
  Pool pool;
  std::vector<typename Pool::Buffer> buffers(in_use);
  for (auto& buffer : buffers) buffer = pool.get(bytes);
  Random random;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kGets; ++i) {
      auto& buffer = buffers[is_random ? random.below(in_use) : i % in_use];
      buffer = {};
      buffer = pool.get(bytes);
      benchmark::DoNotOptimize(buffer.data());
    }
  }
  report(state, kGets);
}

template <class Pool>
void high_frequency(benchmark::State& state) {
  replace<Pool>(state, 8, 256, false);
}
template <class Pool>
void pressure(benchmark::State& state) {
  replace<Pool>(state, scaled(10'000), 4096, true);
}

template <class Pool>
void add_rows(const std::string& of) {
  const auto add = [&of](const char* name, void (*row)(benchmark::State&)) {
    benchmark::RegisterBenchmark(("published_buffer_" + std::string(name) + "/" + of).c_str(), row);
  };
  add("basic", in_turn<Pool, 1024>);
  add("small", in_turn<Pool, 64>);
  add("large", in_turn<Pool, 256 * 1024>);
  add("exact", in_turn<Pool, 4096>);
  add("inexact", in_turn<Pool, 3000>);
  add("oversized", in_turn<Pool, 2 * 1024 * 1024>);
  add("high_frequency", high_frequency<Pool>);
  add("batch", batch<Pool>);
  add("mixed", in_turn<Pool, 10, 100'000, 500, 64, 9'000, 2'000, 40, 30'000>);
  add("default_classes", default_classes<Pool>);
  add("pressure", pressure<Pool>);
}

void look_up_by_width(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kGets; ++i) {
      bytes = (bytes * 5 + 4096) & 0xFFFFF;
      benchmark::DoNotOptimize(std::bit_width(bytes | 1));
    }
  }
  report(state, kGets);
}

void look_up_by_search(benchmark::State& state) {
  std::array<std::size_t, 20> classes;
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = std::size_t{2} << i;
  std::size_t bytes = 0;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kGets; ++i) {
      bytes = (bytes * 5 + 4096) & 0xFFFFF;
      benchmark::DoNotOptimize(std::lower_bound(classes.begin(), classes.end(), bytes));
    }
  }
  report(state, kGets);
}

void statistics(benchmark::State& state) {
  flux::BufferPool pool;
  const flux::Buffer buffer = pool.get(1024);
  for (auto _ : counted(state)) benchmark::DoNotOptimize(pool.stats());
  report(state, 1);
}

bool add_all() {
  add_rows<FluxBuffers>("flux");
  add_rows<FreeListBuffers>("free_list");
  add_rows<NewBuffers>("new");
  benchmark::RegisterBenchmark("published_buffer_direct/flux", in_turn<DirectBuffers, 1024>);
  benchmark::RegisterBenchmark("published_buffer_direct/new", in_turn<NewBuffers, 1024>);
  benchmark::RegisterBenchmark("published_buffer_look_up/width", look_up_by_width);
  benchmark::RegisterBenchmark("published_buffer_look_up/search", look_up_by_search);
  benchmark::RegisterBenchmark("published_buffer_statistics/flux", statistics);
  return true;
}

const bool are_added = add_all();

}  // namespace
}  // namespace bench
