#pragma once

#include <mimalloc.h>

#include "support/CAllocator.hpp"

namespace bench {

inline constexpr const char* kPeerName = "mimalloc";

struct MimallocSource {
  static void* allocate(std::size_t bytes) {
    return bytes <= MI_SMALL_SIZE_MAX ? mi_malloc_small(bytes) : mi_malloc(bytes);
  }
  static void deallocate(void* p, std::size_t) noexcept { mi_free(p); }  // mi_free_size only checks the size
};

template <class T>
using Allocator = CAllocator<T, MimallocSource>;

}  // namespace bench
