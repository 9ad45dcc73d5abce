#pragma once

#include <flux/detail/base/Config.hpp>

#include <flux/detail/heap/ThreadHeap.hpp>

namespace flux::inline FLUX_ABI::detail {

inline void forget_if_not_mine(Bins&) noexcept {}

}  // namespace flux::inline FLUX_ABI::detail
