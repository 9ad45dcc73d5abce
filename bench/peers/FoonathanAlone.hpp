#pragma once

#include "support/FoonathanPools.hpp"
#include "support/Singles.hpp"

namespace bench {

inline constexpr const char* kPeerName = "foonathan::memory::memory_pool without a mutex";

template <class T>
using Allocator = Singles<T, FoonathanPools<NoMutex>::Single>;

}  // namespace bench
