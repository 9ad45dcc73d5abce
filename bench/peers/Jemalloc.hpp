#pragma once

#include <jemalloc/jemalloc.h>

#include <cstdlib>

#include "support/CAllocator.hpp"

namespace bench {

inline constexpr const char* kPeerName = "jemalloc";

struct JemallocSource {
  static void* allocate(std::size_t bytes) { return std::malloc(bytes); }  // its own in this program
  static void deallocate(void* p, std::size_t bytes) noexcept { sdallocx(p, bytes, 0); }
};

template <class T>
using Allocator = CAllocator<T, JemallocSource>;

}  // namespace bench
