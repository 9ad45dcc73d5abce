#pragma once

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

/// Whether addresses have so few bits that address space is dear.
inline constexpr bool kIsNarrow = sizeof(void*) < 8;

/// Bits of address that flux can do with: those that x86-64 (47) and ARM64 (48) hand out unless they are asked for more.
inline constexpr unsigned kAddressBits = kIsNarrow ? 32 : 48;

}  // namespace flux::inline FLUX_ABI::detail
