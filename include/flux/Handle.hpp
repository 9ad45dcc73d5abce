#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI {

/// Names an object of a HandlePool<T>, also after it is gone: then the pool says so. 64 bits that may be
/// copied, compared, hashed, stored and sent as they please; T may be incomplete. A default-constructed one
/// names nothing.
///
/// A handle is good for the pool that gave it, in the process that gave it. Every other handle, whatever its
/// bits, names nothing there.
template <class T>
class Handle {
 public:
  /// Names nothing.
  constexpr Handle() noexcept = default;

  /// The handle with these bits, which need not come from to_bits.
  static constexpr Handle from_bits(std::uint64_t bits) noexcept {
    Handle handle;
    handle.bits_ = bits;
    return handle;
  }
  /// What from_bits makes the same handle of, in this process; 0 of the default one alone.
  constexpr std::uint64_t to_bits() const noexcept { return bits_; }

  /// Whether it is any but the default one; not whether its object lives.
  explicit constexpr operator bool() const noexcept { return bits_ != 0; }

  /// A total order, which says nothing of the objects' age.
  friend constexpr auto operator<=>(Handle, Handle) noexcept = default;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace flux::inline FLUX_ABI

/// The hash of a handle, for `std::unordered_map` and its like. Mixed, because the objects of a pool differ in few bits.
template <class T>
struct std::hash<flux::Handle<T>> {
  /// Equal handles have equal hashes.
  std::size_t operator()(flux::Handle<T> handle) const noexcept {
    const std::uint64_t mixed = handle.to_bits() * 0x9E37'79B9'7F4A'7C15;
    return static_cast<std::size_t>(mixed ^ mixed >> 32);
  }
};
