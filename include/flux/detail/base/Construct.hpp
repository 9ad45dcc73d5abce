#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

/// A T made of `args`, in parentheses; an aggregate in braces, with every compiler: some know only those.
template <class T, class... Args>
T* construct(void* storage, Args&&... args) {
  if constexpr (std::is_aggregate_v<T>) {
// Members that are left out are meant to be.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
    return ::new (storage) T{std::forward<Args>(args)...};
#pragma GCC diagnostic pop
  } else {
    return ::new (storage) T(std::forward<Args>(args)...);
  }
}

}  // namespace flux::inline FLUX_ABI::detail
