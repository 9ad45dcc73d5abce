#pragma once

#include "support/CAllocator.hpp"

// oneTBB's functions as its scalable_allocator.h declares them: the runtime package comes without that header.
extern "C" {
void* scalable_malloc(std::size_t bytes);
void scalable_free(void* p);
}

namespace bench {

inline constexpr const char* kPeerName = "tbbmalloc";

struct TbbmallocSource {
  static void* allocate(std::size_t bytes) { return scalable_malloc(bytes); }
  static void deallocate(void* p, std::size_t) noexcept { scalable_free(p); }
};

template <class T>
using Allocator = CAllocator<T, TbbmallocSource>;

}  // namespace bench
