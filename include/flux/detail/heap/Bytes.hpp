#pragma once

#include <cstddef>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/OperatorNew.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

namespace flux::inline FLUX_ABI::detail {

// Memory of a size and an alignment (a power of two) known at run time. Both take the same way by these alone: from
// slabs what fits a class, from the program's `operator new` all else.

// The fine classes, which most sizes fall into, have a short way of their own: with the others in the same function
// compilers begin it with a handful of moves for their sake.

template <class Domain>
[[gnu::noinline]] void* allocate_coarse(std::size_t bytes, std::size_t alignment) {
  const unsigned size_class = size_class_of(bytes, alignment);
  return size_class != kNoSizeClass ? allocate<Domain>(size_class, bytes) : operator_new(bytes, alignment);
}

template <class Domain>
[[gnu::noinline]] void deallocate_coarse(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  const unsigned size_class = size_class_of(bytes, alignment);
  if (size_class != kNoSizeClass) return deallocate<Domain>(p, size_class, bytes);
  if (!check_no_object(p, bytes, domain_info<Domain>.name)) return;
  operator_delete(p, bytes, alignment);
}

/// `bytes`, 0 included, at an address that nothing else has. Throws std::bad_alloc.
template <class Domain>
void* allocate_bytes(std::size_t bytes, std::size_t alignment) {
  if (is_fine(bytes, alignment)) [[likely]]
    return allocate<Domain>(fine_class_of(bytes, alignment), bytes);
  return allocate_coarse<Domain>(bytes, alignment);
}

/// Frees what allocate_bytes gave for the same size and alignment.
template <class Domain>
void deallocate_bytes(void* p, std::size_t bytes, std::size_t alignment) noexcept {
  if (is_fine(bytes, alignment)) [[likely]]
    return deallocate<Domain>(p, fine_class_of(bytes, alignment), bytes);
  deallocate_coarse<Domain>(p, bytes, alignment);
}

}  // namespace flux::inline FLUX_ABI::detail
