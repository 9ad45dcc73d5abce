#pragma once

#include <boost/container/node_allocator.hpp>

namespace bench {

inline constexpr const char* kPeerName = "boost::container::node_allocator";

template <class T>
using Allocator = boost::container::node_allocator<T>;

}  // namespace bench
