#pragma once

#include <boost/container/list.hpp>
#include <list>

#include "support/Peer.hpp"

namespace bench {

/// 24 bytes: with the two links of a list, a node of 40.
struct Payload {
  explicit Payload(long first = 0) : value(first) {}

  long value;
  long more[2] = {};
};

template <class T>
using StdListOf = std::list<T, Allocator<T>>;

using StdList = StdListOf<Payload>;
using BoostList = boost::container::list<Payload, Allocator<Payload>>;

/// Built in place: a temporary that is copied into the node costs a failed store forwarding, more than the
/// allocator.
template <class List>
void fill(List& list, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) list.emplace_back(static_cast<long>(i));
}

/// Empties the list from its front: first in, first out.
template <class List>
void drain(List& list) {
  while (!list.empty()) list.pop_front();
}

}  // namespace bench
