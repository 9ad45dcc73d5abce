#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// Size classes: strides of 8, 16, ... 256 bytes, then eight per doubling up to 1 MiB, so that at most seven bytes are
// wasted, or an eighth. A slab is 64 KiB, or as many as hold 16 objects, but 2 MiB at most. Every figure of a class is
// known at compile time.
//
// The small classes, those up to 32 KiB, serve whatever a program allocates; the others only what is asked of slabs
// by name: a few megabytes that a heap keeps of an odd size are a waste, and of a type in use they are its memory.

/// Whether objects lie in slabs at all.
inline constexpr bool kUsesSlabs = FLUX_PASSTHROUGH == 0;

/// Slabs are whole units, and units are aligned.
inline constexpr std::size_t kUnitBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMostSlabUnits = 32;  ///< what is committed at once
inline constexpr std::size_t kLargestSmallObject = std::size_t{32} << 10;
inline constexpr std::size_t kLargestObject = std::size_t{1} << 20;
inline constexpr std::size_t kLargestAlignment = 4096;
inline constexpr std::size_t kMinObjectsPerSlab = 16;
inline constexpr unsigned kFineClasses = 32;  ///< classes in steps of 8 bytes
inline constexpr unsigned kSmallClasses = kFineClasses + 7 * 8;
inline constexpr unsigned kSizeClasses = kSmallClasses + 5 * 8;
inline constexpr unsigned kNoSizeClass = kSizeClasses;

/// What a user has of an object, where no number of bytes is meant: all of it; or so much as was asked for, which the
/// caller does not know. Numbers and these alike say something to checked builds only.
inline constexpr std::size_t kWholeObject = SIZE_MAX;
inline constexpr std::size_t kAsAskedFor = SIZE_MAX - 1;

/// The smallest class whose objects hold `bytes`. Requires bytes <= kLargestObject.
constexpr unsigned size_class_of(std::size_t bytes) noexcept {
  if (bytes <= 8) return 0;
  if (bytes <= std::size_t{kFineClasses} * 8) return static_cast<unsigned>((bytes - 1) / 8);
  const std::size_t last = bytes - 1;
  const auto doubling = static_cast<unsigned>(std::bit_width(last)) - 1;  // 8 for 257..512
  return kFineClasses + (doubling - 8) * 8 + static_cast<unsigned>((last >> (doubling - 3)) & 7);
}

/// Distance in bytes from one object of the class to the next.
constexpr std::size_t stride_of(unsigned size_class) noexcept {
  if (size_class < kFineClasses) return (size_class + 1) * std::size_t{8};
  const unsigned coarse = size_class - kFineClasses;
  return std::size_t{coarse % 8 + 9} << (coarse / 8 + 5);
}

/// The last byte of the size rounded up to the alignment (a power of two): no smaller stride serves. Of 0 bytes it lies
/// beyond all.
constexpr std::size_t last_byte(std::size_t bytes, std::size_t alignment) noexcept {
  return (bytes - 1) | (alignment - 1);
}

/// Whether a fine class serves `bytes`, not 0, at `alignment`, and which: its stride is a multiple of the alignment, or the
/// next multiple of 8 is.
constexpr bool is_fine(std::size_t bytes, std::size_t alignment) noexcept {
  return kUsesSlabs && last_byte(bytes, alignment) < std::size_t{kFineClasses} * 8;
}
constexpr unsigned fine_class_of(std::size_t bytes, std::size_t alignment) noexcept {
  return static_cast<unsigned>(last_byte(bytes, alignment) / 8);
}

/// The smallest class that serves `bytes` at `alignment` (a power of two), or kNoSizeClass when none does that holds
/// at most `largest`. A class serves an alignment when its stride is a multiple of it: slabs begin at multiples of
/// kUnitBytes.
constexpr unsigned size_class_of(std::size_t bytes, std::size_t alignment,
                                 std::size_t largest = kLargestSmallObject) noexcept {
  if (is_fine(bytes, alignment)) [[likely]]
    return fine_class_of(bytes, alignment);
  if (!kUsesSlabs || bytes > largest || alignment > kLargestAlignment) return kNoSizeClass;
  if (bytes == 0) return size_class_of(1, alignment);
  // The stride is a multiple of the alignment here as well: where the classes' step is smaller than that, what is rounded up
  // to it is a stride itself.
  return size_class_of(last_byte(bytes, alignment) + 1);
}

/// The class of single objects of a type, a constant also where nothing is optimised.
template <class T>
inline constexpr unsigned kSizeClassOf = size_class_of(sizeof(T), alignof(T));

/// What the engine needs to know of a class.
struct SizeClassInfo {
  std::uint32_t stride;        ///< bytes
  std::uint32_t units;         ///< slab size in units, a power of two; slabs are aligned to their size
  std::uint32_t first_object;  ///< offset in the slab of the first object, bytes
  std::uint32_t capacity;      ///< objects of a slab
  std::uint32_t bin_capacity;  ///< objects a bin may hold
  std::uint32_t bin_refill;    ///< objects a refill asks for
  /// (offset * reciprocal) >> kReciprocalShift == offset / stride, for offsets in a slab.
  std::uint64_t reciprocal;
};

inline constexpr unsigned kReciprocalShift = 44;
/// Bits of an object besides that of the bitmap.
inline constexpr std::size_t kMarkSets = FLUX_CHECKED ? 3 : 0;
/// Words of a bitmap beside the slab's counters: for objects of 16 bytes, or of 24 in a checked build, where marks as large follow.
inline constexpr std::size_t kSlabBitmapWords = FLUX_CHECKED ? 44 : 64;

namespace size_class_figures {

// A bin may hold 128 KiB, the share of a second-level cache that a few busy classes can each have, and 2,048
// objects: a container of 1,000 nodes that is built and dropped again and again then never leaves its bin.
inline constexpr std::size_t kBinBytes = std::size_t{128} << 10;
inline constexpr std::size_t kBinObjects = 2048;
inline constexpr std::size_t kLeastBinObjects = 8;
inline constexpr std::size_t kLargeBinObjects = 2;  // beyond the small classes

constexpr SizeClassInfo figures_of(unsigned size_class) noexcept {
  const std::size_t stride = stride_of(size_class);
  const std::size_t wanted = std::bit_ceil((kMinObjectsPerSlab * stride + kUnitBytes - 1) / kUnitBytes);
  const std::size_t units = wanted < kMostSlabUnits ? wanted : kMostSlabUnits;
  const std::size_t bytes = units * kUnitBytes;
  // The smallest objects, of 8 bytes (of 16 in a checked build as well), are too many for the bitmap in the slab's record: theirs
  // lies at the start of the slab.
  const bool bitmap_in_slab = bytes / stride > kSlabBitmapWords * 64;
  const std::size_t first = bitmap_in_slab ? bytes / stride / 8 * (1 + kMarkSets) : 0;
  std::size_t bin = kBinBytes / stride;
  bin = bin < kLeastBinObjects ? kLeastBinObjects : bin > kBinObjects ? kBinObjects : bin & ~std::size_t{7};
  if (size_class >= kSmallClasses) bin = kLargeBinObjects;
  return {static_cast<std::uint32_t>(stride),
          static_cast<std::uint32_t>(units),
          static_cast<std::uint32_t>(first),
          static_cast<std::uint32_t>((bytes - first) / stride),
          static_cast<std::uint32_t>(bin),
          static_cast<std::uint32_t>((bin + 7) / 8),
          (std::uint64_t{1} << kReciprocalShift) / stride + 1};
}

constexpr auto all() noexcept {
  std::array<SizeClassInfo, kSizeClasses> table{};
  for (unsigned c = 0; c != kSizeClasses; ++c) table[c] = figures_of(c);
  return table;
}

}  // namespace size_class_figures

inline constexpr std::array<SizeClassInfo, kSizeClasses> kSizeClassInfo = size_class_figures::all();

static_assert(stride_of(0) == 8 && stride_of(kFineClasses - 1) == 256 &&
              stride_of(kSmallClasses - 1) == kLargestSmallObject &&
              stride_of(kSizeClasses - 1) == kLargestObject);

}  // namespace flux::inline FLUX_ABI::detail
