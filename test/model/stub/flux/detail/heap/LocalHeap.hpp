#pragma once

#include <flux/detail/base/Config.hpp>

#include <new>

#include <flux/detail/base/SizeClass.hpp>

namespace flux::inline FLUX_ABI::detail {

struct BufferDomain;

template <class Domain>
void* allocate(unsigned size_class, std::size_t = 0) {
  return ::operator new(stride_of(size_class));
}
template <class Domain>
void deallocate(void* object, unsigned, std::size_t = 0) noexcept {
  ::operator delete(object);
}
template <class Domain>
bool has_at_hand(unsigned) noexcept {
  return true;
}

}  // namespace flux::inline FLUX_ABI::detail
