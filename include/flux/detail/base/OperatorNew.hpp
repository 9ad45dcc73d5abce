#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>

namespace flux::inline FLUX_ABI::detail {

constexpr bool is_over_aligned(std::size_t alignment) noexcept {
  return alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__;
}

/// What is asked for instead of `bytes`: what has less than the alignment an operator may align for so many bytes only.
constexpr std::size_t asked_bytes(std::size_t bytes, std::size_t alignment) noexcept {
  return is_over_aligned(alignment) ? bytes : std::max(bytes, alignment);
}

/// `bytes` from the program's `operator new`, in the form the alignment asks for. Throws what that throws.
inline void* operator_new(std::size_t bytes, std::size_t alignment) {
  // libstdc++'s aligned form rounds the size up, and may come out at next to nothing.
  if (bytes > PTRDIFF_MAX) [[unlikely]]
    throw_bad_alloc();
  return is_over_aligned(alignment) ? ::operator new (bytes, std::align_val_t{alignment})
                                    : ::operator new(asked_bytes(bytes, alignment));
}

/// The same for what can be done without: nullptr when memory is out.
inline void* operator_new_or_null(std::size_t bytes, std::size_t alignment) noexcept {
  return is_over_aligned(alignment) ? ::operator new (bytes, std::align_val_t{alignment}, std::nothrow)
                                    : ::operator new(asked_bytes(bytes, alignment), std::nothrow);
}

/// Frees what one of the above gave for these arguments, with its size where the program has the sized form.
inline void operator_delete(void* p, [[maybe_unused]] std::size_t bytes, std::size_t alignment) noexcept {
#if FLUX_SIZED_DELETE
  if (is_over_aligned(alignment)) return ::operator delete (p, bytes, std::align_val_t{alignment});
  ::operator delete(p, asked_bytes(bytes, alignment));
#else
  if (is_over_aligned(alignment)) return ::operator delete (p, std::align_val_t{alignment});
  ::operator delete(p);
#endif
}

}  // namespace flux::inline FLUX_ABI::detail
