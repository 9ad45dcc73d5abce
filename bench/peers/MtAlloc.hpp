#pragma once

#include <ext/mt_allocator.h>

namespace bench {

inline constexpr const char* kPeerName = "__gnu_cxx::__mt_alloc";

template <class T>
using Allocator = __gnu_cxx::__mt_alloc<T>;

}  // namespace bench
