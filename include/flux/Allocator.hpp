#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/base/OperatorNew.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

namespace flux::inline FLUX_ABI {

/// What allocate_at_least returns: room for `count` objects at `ptr`.
#if defined(__cpp_lib_allocate_at_least)
template <class Pointer>
using AllocationResult = std::allocation_result<Pointer>;
#else
template <class Pointer>
struct AllocationResult {
  Pointer ptr;        ///< the storage
  std::size_t count;  ///< objects that it has room for
};
#endif

/// An allocator for containers. One object at a time comes from slab heaps that belong to the calling thread;
/// arrays, and objects larger than 32 KiB or aligned beyond 4 KiB, go to `operator new`.
///
/// Stateless: all of them are equal, and what one gave, any other frees, on any thread, at any time, also
/// after the thread that allocated it has ended. All functions may be called by any thread, but not from
/// signal handlers. T may be incomplete until a member function is used. Usable in constant evaluation, as
/// `std::allocator` is.
///
/// Allocating or freeing one object takes constant time. Once in some dozen to hundred calls, of objects beyond 1 KiB
/// more often, a slow one moves objects between the thread and its slabs: a bounded piece of work, unless memory is out
/// and is looked for everywhere.
///
/// Tag: any type, complete or not, that names a domain. Objects of different tags never share a slab, memory of one
/// never serves another, and containers of different tags are different types. For each tag with which it allocates,
/// or frees more than some dozen objects of others, a thread has a heap of its own, with a retention limit of its own (flux/Control.hpp).
// Asks the compiler, not std::is_constant_evaluated, whether an evaluation is constant: clang++ 14 takes that
// for true at run time in C++23, and flux would fall silent.
template <class T, class Tag = void>
class Allocator {
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                "flux::Allocator<T>: T must not be cv-qualified");
  static_assert(!std::is_reference_v<T> && !std::is_function_v<T>,
                "flux::Allocator<T>: T must be an object type");

 public:
  using value_type = T;                                           ///< what is allocated
  using size_type = std::size_t;                                  ///< of counts
  using difference_type = std::ptrdiff_t;                         ///< of pointers
  using propagate_on_container_move_assignment = std::true_type;  ///< moves take memory along
  using is_always_equal = std::true_type;                         ///< what one gave, any other frees
  /// The allocator of another type with the same Tag.
  template <class U>
  struct rebind {
    using other = Allocator<U, Tag>;  ///< for objects of type U
  };

  /// There is nothing to set up.
  constexpr Allocator() noexcept = default;
  /// From the allocator of any other type with the same Tag.
  template <class U>
  constexpr Allocator(const Allocator<U, Tag>&) noexcept {}

  /// Storage for `n` objects, aligned for T. It is not initialised.
  /// Throws std::bad_array_new_length when n objects exceed the address space, std::bad_alloc when memory is
  /// out.
  [[nodiscard]] constexpr T* allocate(std::size_t n) {
    if (__builtin_is_constant_evaluated()) return std::allocator<T>{}.allocate(n);
    if (is_slab_object(n)) return static_cast<T*>(detail::allocate<Tag>(size_class(), single_bytes()));
    return allocate_array(n);
  }

  /// Storage for exactly `n` objects: never more, so that no caller comes back with another count than it
  /// asked for.
  [[nodiscard]] constexpr AllocationResult<T*> allocate_at_least(std::size_t n) { return {allocate(n), n}; }

  /// Frees storage. Requires that `p` came from allocate(n) of a flux::Allocator<T, Tag>, and was not freed since.
  constexpr void deallocate(T* p, std::size_t n) noexcept {
    if (__builtin_is_constant_evaluated()) return std::allocator<T>{}.deallocate(p, n);
    if (is_slab_object(n)) return detail::deallocate<Tag>(p, size_class(), single_bytes());
    if (!detail::check_no_object(p, bytes_of(n), detail::domain_info<Tag>.name)) return;
    detail::operator_delete(p, bytes_of(n), alignof(T));
  }

 protected:
  /// The size class of one object, or detail::kNoSizeClass.
  [[gnu::always_inline]] static constexpr unsigned size_class() noexcept { return detail::kSizeClassOf<T>; }

  /// Decides by n and T alone, so that deallocate takes the branch that allocate took.
  [[gnu::always_inline]] static constexpr bool is_slab_object(std::size_t n) noexcept {
    return n == 1 && size_class() != detail::kNoSizeClass;
  }

  /// What one object takes: at least a pointer, with which bursts link them.
  [[gnu::always_inline]] static constexpr std::size_t single_bytes() noexcept {
    return sizeof(T) < sizeof(void*) ? sizeof(void*) : sizeof(T);
  }

  /// What n objects take that do not come from slabs. Without slabs single ones do neither.
  static constexpr std::size_t bytes_of(std::size_t n) noexcept {
    return !detail::kUsesSlabs && n == 1 ? single_bytes() : n * sizeof(T);
  }

  /// Whether n objects exceed the address space.
  static constexpr bool is_too_many(std::size_t n) noexcept {
    return n > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
  }

 private:
  static T* allocate_array(std::size_t n) {
    if (is_too_many(n)) detail::throw_bad_array_new_length();
    return static_cast<T*>(detail::operator_new(bytes_of(n), alignof(T)));
  }
};

/// True: allocators of one Tag are equal, whatever their types.
template <class T, class U, class Tag>
constexpr bool operator==(const Allocator<T, Tag>&, const Allocator<U, Tag>&) noexcept {
  return true;
}

}  // namespace flux::inline FLUX_ABI
