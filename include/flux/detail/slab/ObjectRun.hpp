#pragma once

#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Address.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/SizeClass.hpp>

namespace flux::inline FLUX_ABI::detail {

// Objects of one class that lie one after another in memory, in one word.
//
//   of 64 bits, from the highest on: their number less one, 8 bits, below kMost; their size class, 8; the address of the first, 48
//   of 32 bits: an address, of a single object, whose class is not told
//   0: none
class ObjectRun {
 public:
  static constexpr std::size_t kMost = kIsNarrow ? 1 : 64;  ///< objects

  ObjectRun() noexcept = default;
  /// One object.
  ObjectRun(const void* object, unsigned size_class) noexcept
      : word_(reinterpret_cast<std::uintptr_t>(object)) {
    if constexpr (!kIsNarrow) word_ |= std::uintptr_t{size_class} << kClassShift;
  }
  static constexpr ObjectRun of_word(std::uintptr_t word) noexcept { return ObjectRun(word); }
  static constexpr ObjectRun none() noexcept { return ObjectRun(0); }

  std::uintptr_t word() const noexcept { return word_; }
  /// Where it begins, and its class: the word of a run of one object that lies there.
  std::uintptr_t place() const noexcept { return word_ & kPlace; }
  static unsigned class_of(std::uintptr_t place) noexcept { return of_word(place).size_class(); }
  bool is_none() const noexcept { return (word_ & kAddress) == 0; }

  std::byte* first() const noexcept { return reinterpret_cast<std::byte*>(word_ & kAddress); }
  std::uint32_t count() const noexcept {
    return kIsNarrow ? 1 : static_cast<std::uint32_t>(word_ >> kCountShift) + 1;
  }
  /// As which the objects were freed; kNoSizeClass where that is not told.
  unsigned size_class() const noexcept {
    return kIsNarrow ? kNoSizeClass : static_cast<std::uint8_t>(word_ >> kClassShift);
  }

  /// With so many objects more, which lie behind it. Requires no more than kMost together.
  ObjectRun with_more(std::uint32_t count) const noexcept { return ObjectRun(word_ + count * kOne); }
  /// Without the last `count`. Requires more.
  ObjectRun with_fewer(std::uint32_t count) const noexcept { return ObjectRun(word_ - count * kOne); }
  /// Without the first `count`, of `stride` bytes each. Requires more.
  ObjectRun without_first(std::uint32_t count, std::size_t stride) const noexcept {
    return ObjectRun(word_ - count * kOne + count * stride);
  }

  /// Calls `visit(void*)` for each object.
  template <class Visit>
  void for_each(Visit visit) const {
    visit(static_cast<void*>(first()));
    for (std::uint32_t i = 1; i != count(); ++i)
      visit(static_cast<void*>(first() + i * stride_of(size_class())));
  }

 private:
  static constexpr unsigned kClassShift = kIsNarrow ? 0 : kAddressBits;
  static constexpr unsigned kCountShift = kIsNarrow ? 0 : kAddressBits + 8;
  static constexpr std::uintptr_t kOne = std::uintptr_t{1} << kCountShift;
  static_assert(kSizeClasses <= 256);

 public:
  /// The bits of a word that are its address.
  static constexpr std::uintptr_t kAddress =
      kIsNarrow ? ~std::uintptr_t{0} : (std::uintptr_t{1} << kClassShift) - 1;

 private:
  static constexpr std::uintptr_t kPlace = kIsNarrow ? ~std::uintptr_t{0} : kOne - 1;

  explicit constexpr ObjectRun(std::uintptr_t word) noexcept : word_(word) {}

  std::uintptr_t word_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
