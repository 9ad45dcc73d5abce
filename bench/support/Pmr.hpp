#pragma once

#include <memory_resource>

// The rows through `std::pmr::polymorphic_allocator`, whose resource a peer makes the default one.

namespace bench {

template <class T>
using Allocator = std::pmr::polymorphic_allocator<T>;

}  // namespace bench
