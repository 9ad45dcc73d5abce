// What a program and a library that it loads each do with the flux that was compiled into them. The two may share
// one copy of it or have one each: that depends on visibility, on the flags of dlopen and on what the program
// exports, and is not to be noticed.
#pragma once

#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <new>

using Numbers = std::list<long, flux::Allocator<long>>;
using NumberPool = flux::HandlePool<long>;
using NumberHandle = flux::Handle<long>;

struct Side {
  static constexpr std::size_t kObjectBytes = 64;

  void* (*allocate)();
  void (*deallocate)(void* object);
  void (*fill)(Numbers& numbers, long count);
  void (*clear)(Numbers& numbers);
  void (*flush)();
  std::size_t (*trim)();
  /// The calling thread's heap, as this side sees it.
  const void* (*heap)();
  NumberPool* (*make_pool)();
  void (*drop_pool)(NumberPool* pool);
  NumberHandle (*create)(NumberPool& pool, long number);
  const long* (*get)(const NumberPool& pool, NumberHandle handle);
  bool (*destroy)(NumberPool& pool, NumberHandle handle);
};

/// The library's. As a symbol: flux_test_side.
using GetSide = const Side* (*)();

namespace {

struct Object {
  std::byte bytes[Side::kObjectBytes];
};

/// Of whoever includes this.
constexpr Side kThisSide{
    []() -> void* { return flux::Allocator<Object>{}.allocate(1); },
    [](void* object) { flux::Allocator<Object>{}.deallocate(static_cast<Object*>(object), 1); },
    [](Numbers& numbers, long count) {
      for (long i = 0; i != count; ++i) numbers.push_back(i);
    },
    [](Numbers& numbers) { numbers.clear(); },
    [] { flux::flush(); },
    [] { return flux::trim(); },
    []() -> const void* { return flux::detail::local_heap<>.heap(); },
    [] { return new NumberPool; },
    [](NumberPool* pool) { delete pool; },
    [](NumberPool& pool, long number) { return pool.create(number); },
    [](const NumberPool& pool, NumberHandle handle) { return pool.get(handle); },
    [](NumberPool& pool, NumberHandle handle) { return pool.destroy(handle); },
};

}  // namespace
