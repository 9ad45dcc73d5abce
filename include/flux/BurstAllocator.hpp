#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <flux/Allocator.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Burst.hpp>

// Named, not defined: this header needs no Boost; who calls a function that takes a chain has included it.
namespace boost::container::dtl {
template <class VoidPointer>
class basic_multiallocation_chain;
template <class Chain, class T>
class transform_multiallocation_chain;
}  // namespace boost::container::dtl

namespace flux::inline FLUX_ABI {

/// flux::Allocator with the functions of Boost.Container's allocators of version 2 besides. Over it the node
/// containers of `boost::container` ask for all nodes of a range at once, and free all of them at once when
/// they are cleared, erase a range, or end.
///
/// All that is said of flux::Allocator holds here: the same memory, so that each of the two frees what the
/// other gave, and converts to the other; stateless, all equal, any thread. One object is one object: what
/// any function gave for one, any function for one frees.
///
/// Arrays are never expanded nor shrunk in place. `shrink_to_fit` of a `boost::container::vector` or
/// `basic_string` asks an allocator of version 2 for nothing else, and leaves the capacity as it is. The
/// `slist` of Boost 1.74 and 1.81 inserts ranges backwards over any allocator of version 2, and 1.81 never
/// frees the node whose element throws in a range.
// Without allocate_many and deallocate_many: no container calls them, and the latter is told no sizes, by
// which alone flux knows where memory came from.
template <class T, class Tag = void>
class BurstAllocator : public Allocator<T, Tag> {
  using Single = Allocator<T, Tag>;

  // Of Boost's allocation_type.
  static constexpr unsigned kAllocateNew = 0x01;
  static constexpr unsigned kNothrow = 0x10;
  static constexpr unsigned kZeroMemory = 0x20;

 public:
  using pointer = T*;                                   ///< what Boost asks for by this name
  using version = std::integral_constant<unsigned, 2>;  ///< tells Boost that there are the functions below
  /// Boost's list of objects that are linked through themselves.
  using multiallocation_chain = boost::container::dtl::transform_multiallocation_chain<
      boost::container::dtl::basic_multiallocation_chain<void*>, T>;
  /// The allocator of another type with the same Tag.
  template <class U>
  struct rebind {
    using other = BurstAllocator<U, Tag>;  ///< for objects of type U
  };

  /// There is nothing to set up.
  constexpr BurstAllocator() noexcept = default;
  /// From any flux::Allocator or flux::BurstAllocator with the same Tag.
  template <class U>
  constexpr BurstAllocator(const Allocator<U, Tag>&) noexcept {}

  /// Storage for one object: allocate(1).
  [[nodiscard]] constexpr T* allocate_one() { return this->allocate(1); }

  /// Frees one object. Requires that `p` came from a function for one object of a flux::Allocator<T, Tag> or
  /// flux::BurstAllocator<T, Tag>, and was not freed since.
  constexpr void deallocate_one(T* p) noexcept { this->deallocate(p, 1); }

  /// Puts storage for `n` objects at the front of `chain`, in the order in which calls of allocate_one would
  /// give it. Throws std::bad_array_new_length when n objects exceed the address space, std::bad_alloc when
  /// memory is out; none is taken then, and `chain` is as it was.
  void allocate_individual(std::size_t n, multiallocation_chain& chain) {
    if (this->is_too_many(n)) detail::throw_bad_array_new_length();
    if (n == 0) return;
    const detail::Run run = allocate_run(n);
    chain.incorporate_after(chain.before_begin(), static_cast<T*>(run.first), static_cast<T*>(run.last), n);
  }

  /// Frees all objects of `chain`, which is empty then. Requires of each what deallocate_one does.
  void deallocate_individual(multiallocation_chain& chain) noexcept {
    const std::size_t n = chain.size();
    const auto ends = chain.extract_data();
    deallocate_run({ends.first, ends.second, n});
  }

  /// Storage for arrays. A `command` with allocate_new gives what allocate(max(least, preferred)) does,
  /// cleared if zero_memory is among it, and sets `preferred` to that count. Any other, which would have the
  /// array at `reuse` expanded or shrunk, is refused by nullptr. Sets `reuse` to nullptr. Throws what
  /// allocate throws, but with nothrow_allocation returns nullptr instead.
  // Refuses without an exception also where nothrow_allocation is not asked for: boost::container::vector
  // tries to expand that way, and goes on when it gets nullptr.
  [[nodiscard]] T* allocation_command(unsigned command, std::size_t least, std::size_t& preferred,
                                      T*& reuse) {
    reuse = nullptr;
    if ((command & kAllocateNew) == 0) return nullptr;
    const std::size_t n = std::max(least, preferred);
    T* const p = (command & kNothrow) != 0 ? allocate_or_null(n) : this->allocate(n);
    if (p == nullptr) return nullptr;
    if ((command & kZeroMemory) != 0) std::memset(static_cast<void*>(p), 0, n * sizeof(T));
    preferred = n;
    return p;
  }

 private:
  static detail::Run allocate_run(std::size_t n) {
    if constexpr (Single::size_class() != detail::kNoSizeClass)
      return detail::allocate_run<Tag>(n, Single::size_class(), Single::single_bytes());
    else
      return detail::allocate_large_run(n, Single::bytes_of(1), alignof(T));
  }

  static void deallocate_run(const detail::Run& run) noexcept {
    if constexpr (Single::size_class() != detail::kNoSizeClass)
      detail::deallocate_run<Tag>(run, Single::size_class(), Single::single_bytes());
    else
      detail::deallocate_large_run(run, Single::bytes_of(1), alignof(T));
  }

  static T* allocate_or_null(std::size_t n) noexcept {
    if (Single::is_slab_object(n))
      return static_cast<T*>(detail::allocate_or_null<Tag>(Single::size_class(), Single::single_bytes()));
    if (Single::is_too_many(n)) return nullptr;
    return static_cast<T*>(detail::operator_new_or_null(Single::bytes_of(n), alignof(T)));
  }
};

}  // namespace flux::inline FLUX_ABI
