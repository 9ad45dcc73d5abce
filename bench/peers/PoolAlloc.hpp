#pragma once

#include <ext/pool_allocator.h>

namespace bench {

inline constexpr const char* kPeerName = "__gnu_cxx::__pool_alloc";

template <class T>
using Allocator = __gnu_cxx::__pool_alloc<T>;

}  // namespace bench
