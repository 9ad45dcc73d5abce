#pragma once

#include <flux/Allocator.hpp>
#include <flux/Control.hpp>

#include "support/Ready.hpp"

namespace bench {

inline constexpr const char* kPeerName = "flux with a tag";

struct Tag;

template <class T>
using Allocator = flux::Allocator<T, Tag>;

template <class T>
struct Ready<flux::Allocator<T, Tag>> {
  static void make(std::size_t n) { flux::reserve<T, Tag>(n); }
};

}  // namespace bench
