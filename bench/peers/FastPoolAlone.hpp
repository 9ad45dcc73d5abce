#pragma once

#include <boost/pool/pool_alloc.hpp>

#include "support/Singles.hpp"

namespace bench {

inline constexpr const char* kPeerName = "boost::fast_pool_allocator with null_mutex";

template <class T>
struct FastPoolAlone {
  using Pool = boost::fast_pool_allocator<T, boost::default_user_allocator_new_delete,
                                          boost::details::pool::null_mutex>;
  static T* allocate() { return Pool::allocate(); }
  static void deallocate(T* p) noexcept { Pool::deallocate(p); }
};

template <class T>
using Allocator = Singles<T, FastPoolAlone>;

}  // namespace bench
