#pragma once

#include <flux/Allocator.hpp>
#include <flux/Control.hpp>

#include "support/Ready.hpp"

namespace bench {

inline constexpr const char* kPeerName = "flux";

template <class T>
using Allocator = flux::Allocator<T>;

template <class T>
struct Ready<flux::Allocator<T>> {
  static void make(std::size_t n) { flux::reserve<T>(n); }
};

}  // namespace bench
