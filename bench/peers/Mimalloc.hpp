#pragma once

#include <mimalloc.h>

#include "support/CAllocator.hpp"

namespace bench {

inline constexpr const char* kPeerName = "mimalloc";

struct MimallocSource {
  static void* allocate(std::size_t bytes) { return mi_malloc(bytes); }
  static void deallocate(void* p, std::size_t bytes) noexcept { mi_free_size(p, bytes); }
};

template <class T>
using Allocator = CAllocator<T, MimallocSource>;

}  // namespace bench
