#pragma once

#include "support/FoonathanPools.hpp"
#include "support/Singles.hpp"

namespace bench {

inline constexpr const char* kPeerName = "foonathan::memory::memory_pool with std::mutex";

template <class T>
using Allocator = Singles<T, FoonathanPools<std::mutex>::Single>;

}  // namespace bench
