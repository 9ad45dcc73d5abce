#pragma once

#include "support/CAllocator.hpp"

// gperftools' functions as its tcmalloc.h declares them: Debian's runtime package comes without that header.
extern "C" {
void* tc_malloc(std::size_t bytes) noexcept;
void tc_free_sized(void* p, std::size_t bytes) noexcept;
}

namespace bench {

inline constexpr const char* kPeerName = "tcmalloc";

struct TcmallocSource {
  static void* allocate(std::size_t bytes) { return tc_malloc(bytes); }
  static void deallocate(void* p, std::size_t bytes) noexcept { tc_free_sized(p, bytes); }
};

template <class T>
using Allocator = CAllocator<T, TcmallocSource>;

}  // namespace bench
