#pragma once

#include <flux/detail/base/Trace.hpp>

/// @file
/// What the heaps do, as it happens, on the slow paths. Between two events lie some dozen to hundred objects of up to 1 KiB; of
/// larger ones fewer, four of 4 KiB, and above 8 KiB each allocation that finds its bin empty is an event. For timelines, and to
/// find what a pause was. In programs that are compiled with FLUX_TRACE=1, all units alike; in others nothing is called, and their
/// code is as if there were no events.
///
/// A function of the program's own, not probes (USDT) that a tracer attaches to: those want root, or leave to look into other
/// processes, and tools that not every system has, and a test could not tell that they fire with the right numbers.

namespace flux::inline FLUX_ABI {

/// Whether this program tells of events: it was compiled with FLUX_TRACE=1.
inline constexpr bool kIsTraced = FLUX_TRACE != 0;

/// Has `function` called with each event from here on, by all threads; nullptr ends that, but for calls that have begun. Returns
/// the function before. Any thread.
inline TraceFunction set_trace(TraceFunction function) noexcept {
  // release: pairs with the acquire in trace (litmus/list). acquire: whoever calls the function before sees what it was
  // made of (litmus/handler).
  return detail::trace_function.exchange(function, std::memory_order_acq_rel);
}

}  // namespace flux::inline FLUX_ABI
