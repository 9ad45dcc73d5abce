#pragma once

#include <flux/detail/heap/ThreadHeap.hpp>

namespace flux::detail {

inline void forget_if_not_mine(Bins&) noexcept {}

}  // namespace flux::detail
