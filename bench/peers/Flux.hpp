#pragma once

#include <flux/Allocator.hpp>

namespace bench {

inline constexpr const char* kPeerName = "flux";

template <class T>
using Allocator = flux::Allocator<T>;

}  // namespace bench
