#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI {

/// What a heap has just done, on the calling thread.
enum class TraceEvent : std::uint8_t {
  kRefill,       ///< an empty bin got `count` objects; 0: memory is out, for now
  kSpill,        ///< `count` objects of a full bin went back to their slabs
  kPost,         ///< another thread sent `count` objects home, of any sizes
  kCollect,      ///< `count` objects, of any sizes, came home that others had sent
  kOpenRegion,   ///< the heap took a region of `count` bytes into use
  kCloseRegion,  ///< a region of `count` bytes went back to the system: that of a flux::Heap
  kTrim,         ///< `count` bytes went back to the system because a trim asked for them: not 0
};

/// An event: what a heap did, to how much.
struct Trace {
  TraceEvent event;  ///< what it did
  const void*
      heap;  ///< the one that it happened to, named as in SlabView; of a flux::Heap another address, its own
  std::size_t object_size;  ///< of the size class, bytes; 0 where it is of none
  std::size_t count;        ///< of objects or bytes, as the event says
};

/// Called with each event, on its thread, inside flux and with the heap locked at times: it should be short. May not throw, nor
/// use flux, nor allocate where the program's `operator new` comes to flux. What time it is it has to ask itself.
using TraceFunction = void (*)(const Trace&) noexcept;

namespace detail {

inline constinit std::atomic<TraceFunction> trace_function{nullptr};

/// Tells the program's function. Only where `if constexpr (FLUX_TRACE)` says so: then nothing is left of it in other programs, not
/// even what computes the arguments where nothing is optimised.
inline void trace(TraceEvent event, const void* heap, std::size_t object_size, std::size_t count) noexcept {
  // acquire: pairs with the release in set_trace (litmus/list); what the function was made of is visible.
  const TraceFunction function = trace_function.load(std::memory_order_acquire);
  if (function != nullptr) function({event, heap, object_size, count});
}

}  // namespace detail
}  // namespace flux::inline FLUX_ABI
