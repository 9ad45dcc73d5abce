#pragma once

#include <flux/detail/base/Misuse.hpp>

/// @file
/// What happens when a program frees what it must not, or writes to what it has freed. A program that is compiled with
/// FLUX_CHECKED=1 notices that at the wrong call; any other notices a part, and some operations later: an object that is
/// freed twice, not at its beginning, or with another size, when it goes back to its slab; where addresses have 32 bits, with
/// another size only by its own thread.

namespace flux::inline FLUX_ABI {

/// Whether this program notices every misuse that it can: it was compiled with FLUX_CHECKED=1.
inline constexpr bool kIsChecked = FLUX_CHECKED != 0;

/// Has `handler` called with each misuse; nullptr brings back what is done without: one line on standard error, and
/// abort. When a handler returns, a checked program goes on without the wrong operation, and any other aborts. Returns
/// the handler before. Any thread.
inline MisuseHandler set_misuse_handler(MisuseHandler handler) noexcept {
  // release: pairs with the acquire in tell_misuse (litmus/list). acquire: whoever calls the handler before sees what
  // it was made of (litmus/handler).
  return detail::misuse_handler.exchange(handler, std::memory_order_acq_rel);
}

}  // namespace flux::inline FLUX_ABI
