#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/heap/OpenRun.hpp>

namespace flux::inline FLUX_ABI::detail {

// A bin is the free objects of one size class that a thread's fast path pops and pushes: a stack of their
// addresses. Places are counted from the end of the stack's memory, so that a push finds a full bin by its
// own addition.
//
//   places [bottom, level) hold objects, coldest first;  -capacity <= bottom <= level < 0
//   all zero (level == bottom, nothing ever pushed): no objects
//
// Addresses are kept in an array, not in links through the objects: a pop then never waits for a cold object,
// and moving objects between a bin and the slabs' bitmaps reads and writes the array alone.
struct Bin {
  std::ptrdiff_t level;
  std::ptrdiff_t bottom;

  /// The owner's: others may count the objects meanwhile.
  [[gnu::always_inline]] void set_level(std::ptrdiff_t value) noexcept { store_once(level, value); }
  /// From `from`, where it is, to the next place; whether that was the last. By the carry of the addition: asked whether
  /// the sum is zero, g++ compares the old level with -1, an instruction more.
  [[gnu::always_inline]] bool raise(std::ptrdiff_t from) noexcept {
    std::size_t next;
    const bool is_full = __builtin_add_overflow(static_cast<std::size_t>(from), std::size_t{1}, &next);
    set_level(static_cast<std::ptrdiff_t>(next));
    return is_full;
  }
  void set(std::ptrdiff_t new_level, std::ptrdiff_t new_bottom) noexcept {
    set_level(new_level);
    store_once(bottom, new_bottom);
  }

  /// Objects in the bin. Any thread; while the owner is at work, a number that may be off.
  std::size_t count_remote() const noexcept {
    const std::ptrdiff_t count = load_remote(level) - load_remote(bottom);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
};

// The bins of a thread and, in one place with them, the address range whose objects they take: all that the
// fast paths touch besides the object. Each stack's memory follows the struct, touched only as needed.
//
//   freed_elsewhere[c]: objects of class c and of other heaps that the owners of these bins freed, from the beginning
//   on, but for those of open_run
//
// The fast paths reach it through a pointer in thread-local storage although the bins could lie there
// themselves: on current processors a load that follows a store to the same place costs a cycle when both
// address it by a register and some six when they address it by the thread segment, and every operation
// begins with the last one's `level`.
//
// Plain arrays, and functions that are always inline: where nothing is optimised each access to a std::array is two calls, and an
// allocation took three times as many instructions as that of std::allocator, now as many.
struct Bins {
  std::uintptr_t main_begin;
  std::size_t main_bytes;
  std::atomic<std::uintptr_t> thread;  ///< LocalBins's
  OpenRun open_run;                    ///< what the owner is freeing of another heap
  Bin bins[kSizeClasses];
  std::array<Count<std::size_t>, kSizeClasses> freed_elsewhere;

  struct StackEnds {
    std::ptrdiff_t of[kSizeClasses];
  };
  static constexpr StackEnds kStackEnds = [] {
    StackEnds ends{};
    std::ptrdiff_t end = 0;
    for (unsigned c = 0; c != kSizeClasses; ++c) ends.of[c] = end += kSizeClassInfo[c].bin_capacity;
    return ends;
  }();

  [[gnu::always_inline]] bool owns(const void* object) const noexcept {
    return reinterpret_cast<std::uintptr_t>(object) - main_begin < main_bytes;
  }

  // The fast paths, whoever's the bins are.

  [[gnu::always_inline]] bool is_empty(unsigned size_class) const noexcept {
    const Bin& bin = bins[size_class];
    return bin.level == bin.bottom;
  }

  /// Requires that the bin is not empty.
  [[gnu::always_inline]] void* pop(unsigned size_class) noexcept {
    Bin& bin = bins[size_class];
    const std::ptrdiff_t level = bin.level;
    bin.set_level(level - 1);
    return stack_end(size_class)[level - 1];
  }

  /// Leaves nothing behind of the address that was popped last: a checker would take it for a pointer to the object.
  void forget_popped(unsigned size_class) noexcept {
    stack_end(size_class)[bins[size_class].level] = nullptr;
  }

  /// Whether the bin is full now: it has to be spilled.
  [[gnu::always_inline]] bool push(unsigned size_class, void* object) noexcept {
    Bin& bin = bins[size_class];
    const std::ptrdiff_t level = bin.level;
    stack_end(size_class)[level] = object;
    return bin.raise(level);
  }

  [[gnu::always_inline]] void** stack_end(unsigned size_class) noexcept {
    return reinterpret_cast<void**>(this + 1) + kStackEnds.of[size_class];
  }

  void* const* stack_end(unsigned size_class) const noexcept {
    return reinterpret_cast<void* const*>(this + 1) + kStackEnds.of[size_class];
  }

  static constexpr std::ptrdiff_t capacity(unsigned size_class) noexcept {
    return static_cast<std::ptrdiff_t>(kSizeClassInfo[size_class].bin_capacity);
  }

  bool is_valid() const noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      if (-capacity(c) > bins[c].bottom || bins[c].bottom > bins[c].level || bins[c].level >= 0) return false;
    }
    return open_run.is_valid();
  }
};

/// Bins with their stacks' memory behind them, as stack_end expects.
struct BinsAndStacks {
  Bins bins;
  std::array<void*, static_cast<std::size_t>(Bins::kStackEnds.of[kSizeClasses - 1])> stacks;
};

static_assert(offsetof(BinsAndStacks, stacks) == sizeof(Bins));

}  // namespace flux::inline FLUX_ABI::detail
