#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Settings.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

/// @file
/// What a program may ask of the memory behind flux: to have it ready, to give it back, how much of it to keep.
///
/// All functions may be called by any thread at any time, but not from signal handlers. A library with a copy of
/// flux of its own (hidden visibility, RTLD_LOCAL, or an executable that does not export its symbols) has settings
/// and heaps of its own.

namespace flux::inline FLUX_ABI {

/// As a retention limit: free memory never goes back by itself.
inline constexpr std::size_t kHold = SIZE_MAX;

/// As a size to begin with huge pages at: never.
inline constexpr std::size_t kNever = SIZE_MAX;

/// Has memory ready for `n` objects of `bytes` each beside those alive, for the calling thread: committed and
/// resident. From then on n allocations of such objects, and any mix of allocations and frees by this thread that
/// stays within n, call the system for nothing and take no page fault (code that never ran may take one of its
/// own). The same goes for frees of other threads' objects. Holds until the thread ends or calls trim();
/// going beyond n may use some of it up. Calls do not add up while nothing is allocated in between: the largest n
/// counts.
///
/// Throws std::invalid_argument when such objects do not come from slabs (beyond 32 KiB, or aligned beyond 4 KiB)
/// or the alignment is no power of two; std::bad_alloc when memory is out or n objects are more than the machine's
/// memory, and what was reserved before stays so.
///
/// Tag: that of the allocators whose objects these will be; `void` for those without.
template <class Tag = void>
void reserve(std::size_t bytes, std::size_t n, std::size_t alignment = alignof(void*)) {
  if (!std::has_single_bit(alignment))
    std::__throw_invalid_argument("flux::reserve: the alignment is not a power of two");
  if constexpr (!detail::kUsesSlabs) return;
  const unsigned size_class = detail::size_class_of(bytes, alignment);
  if (size_class == detail::kNoSizeClass)
    std::__throw_invalid_argument(
        "flux::reserve: objects beyond 32 KiB, or aligned beyond 4 KiB, have no slabs");
  if (n != 0) detail::local_heap<Tag>.reserve(size_class, n, detail::find_bins<Tag>());
}

/// The same, for objects of type T. A container's nodes are not of its value type: those of std::list<T> take
/// two pointers more, those of std::map<K, V> four.
template <class T, class Tag = void>
void reserve(std::size_t n) {
  reserve<Tag>(sizeof(T), n, alignof(T));
}

/// Sends home what the calling thread has freed of other threads' objects, and still keeps to send in one go.
inline void flush() noexcept {
  detail::local_heap<>.take_over(detail::find_bins<void>());
  detail::local_thread.flush();
}

/// Gives back to the system all memory that holds no live object: the calling thread's (with what it reserved),
/// that of ended threads, and what other threads can do without: all but what lies in their bins, and what they
/// have freed of others' objects and not sent home (see flush). Leaves alone a thread that is inside flux at the
/// moment, and one that has reserved memory. Returns the bytes, in slabs' units of 64 KiB. Takes time with the
/// number of free slabs and of objects on their way home.
inline std::size_t trim() noexcept {
  detail::local_heap<>.take_over(detail::find_bins<void>());
  return detail::local_thread.trim();
}

/// How much free memory a thread's heap keeps for later, bytes: 32 MiB, or what FLUX_RETENTION says ("16M",
/// "none", "hold"), or what was set. What is above goes back by itself: a bounded piece whenever one of the thread's
/// bins runs full or empty, some dozen to hundred objects apart, unless a steady queue stays within them; while the
/// thread sleeps, by those who free its objects, from some 2,000 of them on (or 2 MiB); after its end at every 64th,
/// and all ended threads' heaps together retain no more than that. Not counted: slabs in which an object is live, in
/// a bin, on its way home, or reserved. Within what is reserved nothing goes back.
inline std::size_t retention_limit() noexcept { return detail::retention_limit.get(); }
/// Sets it, for all threads; they see it soon. kHold: nothing goes back by itself; 0: everything does.
inline void set_retention_limit(std::size_t bytes) noexcept { detail::retention_limit.set(bytes); }

/// The size from which a thread's heap asks for huge pages, bytes: 1,536 KiB, or what FLUX_HUGE_PAGES says
/// ("64M", "on", "off"), or what was set; 0 is from the start, kNever is off. Counts for memory that heaps
/// open from now on.
inline std::size_t huge_pages_from() noexcept { return detail::huge_pages_from.get(); }
/// Sets it, for all threads; they see it soon.
inline void set_huge_pages_from(std::size_t bytes) noexcept { detail::huge_pages_from.set(bytes); }

}  // namespace flux::inline FLUX_ABI
