#pragma once

// Before node_allocator.hpp, which some versions of Boost cannot compile by itself.
#include <boost/container/allocator.hpp>
//
#include <boost/container/node_allocator.hpp>

#include "support/BoostNodes.hpp"

namespace bench {

inline constexpr const char* kPeerName = "boost::container::node_allocator";

template <class T>
using Pooled = boost::container::node_allocator<T>;

template <class T>
using Allocator = BoostNodes<T, Pooled>;

}  // namespace bench
