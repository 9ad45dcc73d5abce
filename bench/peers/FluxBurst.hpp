#pragma once

#include <flux/BurstAllocator.hpp>
#include <flux/Control.hpp>

#include "support/Ready.hpp"

namespace bench {

inline constexpr const char* kPeerName = "flux in bursts";

template <class T>
using Allocator = flux::BurstAllocator<T>;

template <class T>
struct Ready<flux::BurstAllocator<T>> {
  static void make(std::size_t n) { flux::reserve<T>(n); }
};

}  // namespace bench
