#pragma once

#include <boost/container/adaptive_pool.hpp>

#include "support/BoostNodes.hpp"

namespace bench {

inline constexpr const char* kPeerName = "boost::container::adaptive_pool";

template <class T>
using Pooled = boost::container::adaptive_pool<T>;

template <class T>
using Allocator = BoostNodes<T, Pooled>;

}  // namespace bench
