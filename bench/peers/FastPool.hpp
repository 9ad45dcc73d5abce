#pragma once

#include <boost/pool/pool_alloc.hpp>

#include "support/Singles.hpp"

namespace bench {

inline constexpr const char* kPeerName = "boost::fast_pool_allocator";

template <class T>
struct FastPool {
  using Pool = boost::fast_pool_allocator<T>;
  static T* allocate() { return Pool::allocate(); }
  static void deallocate(T* p) noexcept { Pool::deallocate(p); }
};

template <class T>
using Allocator = Singles<T, FastPool>;

}  // namespace bench
