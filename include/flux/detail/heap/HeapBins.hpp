#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Trace.hpp>
#include <flux/detail/heap/Bins.hpp>
#include <flux/detail/slab/HomeSlabs.hpp>

namespace flux::inline FLUX_ABI::detail {

// The bins of a thread heap, and how objects move between them and the slabs. The owner's, who holds the heap's
// lock meanwhile, or those of whoever holds the lock of a parked heap.
//
//   spilled_[c]: objects that bin c spilled since its last refill; kShrunk for a bin that keeps next to nothing
//   seen_[c]: the level of bin c when its turn came last, or kInUse after a slow call of the class
class HeapBins {
 public:
  HeapBins() noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) clear(c);
  }

  /// What the fast paths work on.
  Bins& bins() noexcept { return own_.bins; }
  const Bins& bins() const noexcept { return own_.bins; }

  /// Fills an empty bin with objects that are home, so that pops come in address order; false when memory is
  /// out.
  bool refill(unsigned size_class, HomeSlabs& home) noexcept {
    void** const end = own_.bins.stack_end(size_class);
    void** const limit = end - Bins::capacity(size_class);
    void** const high = limit + kSizeClassInfo[size_class].bin_refill;
    void** const low = home.take(size_class, limit, high);
    own_.bins.bins[size_class].set(high - end, low - end);
    spilled_[size_class] = 0;
    seen_[size_class] = kInUse;
    if constexpr (FLUX_TRACE)
      trace(TraceEvent::kRefill, SlabSource::heap_with(this), stride_of(size_class),
            static_cast<std::size_t>(high - low));
    return low != high;
  }

  /// Makes room in a bin whose level is 0: brings the colder part home and moves the rest down. False when its
  /// objects lie scattered, so that some of that part had to stay.
  ///
  /// A bin keeps half. One that only spills, because a large container is being cleared, soon works in an
  /// eighth of its memory: what stays behind in a bin is in the order it was freed in, and the next fill would
  /// begin with it. A shrunk one works in 8 places. Objects that lie scattered cost several times those that lie
  /// together: a call brings home no more than some runs of them, so that none takes much longer than the
  /// others, but for the few in which a full bin becomes a small one.
  bool spill(unsigned size_class, HomeSlabs& home) noexcept {
    const std::ptrdiff_t full = Bins::capacity(size_class);
    const std::ptrdiff_t least = std::min(full, kLeastPlaces);
    const std::ptrdiff_t small = std::max(full / 8, least);
    const std::ptrdiff_t spilled = spilled_[size_class];
    const std::ptrdiff_t capacity = spilled < full ? full : spilled < kShrunk ? small : least;
    void** const end = own_.bins.stack_end(size_class);
    Bin& bin = own_.bins.bins[size_class];
    const unsigned runs = spilled >= kShrunk ? kFewestRuns : -bin.bottom > small ? kMostRuns : kFewRuns;
    void** const coldest = end + bin.bottom;
    void** const wanted = std::max(coldest, end - capacity / 2);  // a sweep may have taken the coldest
    void** const kept = home.put_of(size_class, coldest, wanted, runs);
    spilled_[size_class] += kept - coldest;
    seen_[size_class] = kInUse;
    const std::ptrdiff_t room = std::min(kept - std::min(coldest, end - capacity), capacity / 2);
    std::memmove(kept - room, kept, static_cast<std::size_t>(end - kept) * sizeof *end);
    bin.set(-room, kept - room - end);
    if constexpr (FLUX_TRACE)
      trace(TraceEvent::kSpill, SlabSource::heap_with(this), stride_of(size_class),
            static_cast<std::size_t>(kept - coldest));
    return kept == wanted;
  }

  /// Has a bin keep next to nothing until it is refilled.
  void shrink(unsigned size_class) noexcept { spilled_[size_class] = kShrunk; }

  /// Looks at the next bins in turn, but for `in_use`, for one that nobody used since its last turn, and brings
  /// some of it home: where sizes change with time, what is left in a bin would keep up to a slab an object from
  /// the classes now in use.
  void sweep(unsigned in_use, HomeSlabs& home) noexcept {
    for (unsigned looks = kLooks; looks != 0; --looks) {
      turn_ = turn_ + 1 == kSizeClasses ? 0 : turn_ + 1;
      Bin& bin = own_.bins.bins[turn_];
      if (bin.level == bin.bottom || turn_ == in_use) continue;
      if (bin.level != seen_[turn_]) {
        seen_[turn_] = bin.level;
        continue;
      }
      void** const end = own_.bins.stack_end(turn_);
      bin.set(bin.level, home.put_of(turn_, end + bin.bottom, end + bin.level, kFewestRuns) - end);
      if (bin.bottom == bin.level) clear(turn_);
      return;
    }
  }

  /// Brings home what is in a bin. Not bounded.
  void empty(unsigned size_class, HomeSlabs& home) noexcept {
    const Bin& bin = own_.bins.bins[size_class];
    void** const end = own_.bins.stack_end(size_class);
    home.put_of(size_class, end + bin.bottom, end + bin.level);
    clear(size_class);
  }
  void empty_all(HomeSlabs& home) noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) empty(c, home);
  }

  /// Forgets all objects: their slabs are no more.
  void clear_all() noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      clear(c);
      spilled_[c] = 0;
    }
  }

  /// Makes the memory of a bin's stack resident; false when memory is out.
  bool populate(unsigned size_class) noexcept {
    const std::uintptr_t page = page_source.page_bytes();
    void** const end = own_.bins.stack_end(size_class);
    const auto first = reinterpret_cast<std::uintptr_t>(end - Bins::capacity(size_class)) & ~(page - 1);
    return page_source.populate(reinterpret_cast<std::byte*>(first),
                                reinterpret_cast<std::uintptr_t>(end) - first);
  }

  /// Objects in a bin. Any thread; while the owner is at work, a number that may be off.
  std::size_t count_remote(unsigned size_class) const noexcept {
    return own_.bins.bins[size_class].count_remote();
  }

  /// Calls `visit(void*)` for each object in a bin. While the owner is not at work.
  template <class Visit>
  void for_each(unsigned size_class, Visit visit) const {
    const Bin& bin = own_.bins.bins[size_class];
    void* const* const end = own_.bins.stack_end(size_class);
    for (void* const* place = end + bin.bottom; place != end + bin.level; ++place) visit(*place);
  }

  /// Whether the levels are sound, and what the bins hold are objects of their classes that are not home.
  bool is_valid() const noexcept {
    bool is_valid = own_.bins.is_valid();
    for (unsigned c = 0; c != kSizeClasses && is_valid; ++c) {
      for_each(c, [&](const void* object) {
        const Slab& slab = Region::slab_of(object);
        const bool is_its = slab.capacity != 0 && slab.size_class == c && slab.holds(object);
        const std::uint32_t index = is_its ? slab.object_at(object) : 0;
        is_valid = is_valid && is_its && index != slab.capacity && !slab.is_home(index);
      });
    }
    return is_valid;
  }

 private:
  // What a call may bring home: where a full bin becomes a small one, where a call is one of many, and where each
  // object may be the last of its slab.
  static constexpr unsigned kMostRuns = 512;
  static constexpr unsigned kFewRuns = 12;
  static constexpr unsigned kFewestRuns = 8;
  static constexpr std::ptrdiff_t kLeastPlaces = 8;
  static constexpr unsigned kLooks = 4;  // in a sweep

  static constexpr std::ptrdiff_t kShrunk = PTRDIFF_MAX / 2;
  static constexpr std::ptrdiff_t kInUse = 1;  // no level is positive

  void clear(unsigned size_class) noexcept {
    own_.bins.bins[size_class].set(-Bins::capacity(size_class), -Bins::capacity(size_class));
  }

  std::array<std::ptrdiff_t, kSizeClasses> spilled_{};
  std::array<std::ptrdiff_t, kSizeClasses> seen_{};
  unsigned turn_ = 0;
  alignas(64) BinsAndStacks own_;  // last: its stacks are touched only as needed
};

}  // namespace flux::inline FLUX_ABI::detail
