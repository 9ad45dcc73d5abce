#pragma once

#include <boost/container/adaptive_pool.hpp>

namespace bench {

inline constexpr const char* kPeerName = "boost::container::adaptive_pool";

template <class T>
using Allocator = boost::container::adaptive_pool<T>;

}  // namespace bench
