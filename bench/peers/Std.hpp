#pragma once

#include <memory>

namespace bench {

inline constexpr const char* kPeerName = "std";

template <class T>
using Allocator = std::allocator<T>;

}  // namespace bench
