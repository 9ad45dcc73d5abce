#pragma once

#include <bit>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

/// @file
/// Memory by its size alone, in the manner of malloc. Sizes up to 32 KiB, aligned up to 4 KiB, come from the calling
/// thread's slab heap, all else from the system's allocator.
///
/// What these functions give only these functions take back, and they take nothing else. The forms that are not told a
/// size know only the memory of this copy of flux: what a library with a copy of its own (see flux/Control.hpp) gave is
/// for deallocate with its size, or for that library. All of them may be called by any thread, but not from signal
/// handlers; any thread may free, at any time.

namespace flux::inline FLUX_ABI {

namespace detail {

[[noreturn, gnu::noinline, gnu::cold]] inline void throw_bad_alignment(std::size_t alignment) {
  const std::string reason =
      "flux::allocate: an alignment of " + std::to_string(alignment) + " is not a power of two";
  std::__throw_invalid_argument(reason.c_str());
}

/// From the system, with the program's new_handler in between. Throws std::bad_alloc.
[[gnu::noinline, gnu::cold]] inline void* allocate_from_system(std::size_t bytes, std::size_t alignment) {
  return LocalHeap::retry([=] { return System::allocate(bytes, alignment); });
}

/// The class of the slab that an address of `owns` lies in.
inline unsigned class_at(const void* p, const char* operation) noexcept {
  const Slab& slab = Region::slab_of(p);
  if (slab.capacity == 0 || !slab.holds(p)) [[unlikely]]
    die("an address that flux::allocate never gave", p, operation);
  return slab.size_class;
}

/// The bytes that may be used there.
inline std::size_t bytes_at(const void* p) noexcept {
  const std::size_t stride = stride_of(class_at(p, "usable_size"));
  return FLUX_CHECKED ? asked_for(const_cast<void*>(p)) : stride;
}

}  // namespace detail

/// Whether an address lies in memory of flux's slabs, of any tag; false for what the system gave, for the stack and for
/// any other address, nullptr among them. What lies in a flux::Heap is not meant.
inline bool owns(const void* p) noexcept {
  return p != nullptr && detail::region_map.holds(p);  // nullptr told apart, or g++ warns of one that it sees
}

/// `bytes` at a multiple of `alignment`, at an address of its own also when `bytes` is 0.
/// Throws std::invalid_argument, which names the alignment, when that is no power of two; std::bad_alloc.
[[nodiscard]] inline void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
  if (!std::has_single_bit(alignment)) [[unlikely]]
    detail::throw_bad_alignment(alignment);
  const unsigned size_class = detail::size_class_of(bytes, alignment);
  if (size_class == detail::kNoSizeClass) [[unlikely]]
    return detail::allocate_from_system(bytes, alignment);
  return detail::allocate(size_class, bytes);
}

/// Frees what allocate gave for the same size and alignment; p may be nullptr.
inline void deallocate(void* p, std::size_t bytes,
                       std::size_t alignment = alignof(std::max_align_t)) noexcept {
  if (p == nullptr) [[unlikely]]
    return;
  const unsigned size_class = detail::size_class_of(bytes, alignment);
  if (size_class == detail::kNoSizeClass) [[unlikely]]
    return detail::check_no_object(p, bytes, "default") ? detail::System::deallocate(p) : void();
  detail::deallocate(p, size_class, bytes);
}

/// Frees what allocate gave, and looks for its size; p may be nullptr. Costs some nanoseconds more, and a line of the
/// slab's record.
inline void deallocate(void* p) noexcept {
  if (!owns(p)) return detail::System::deallocate(p);
  detail::deallocate(p, detail::class_at(p, "free"), detail::kAsAskedFor);
}

/// How many bytes may be used at an address that allocate gave: at least what it was asked for, and of an object in slabs no
/// more than that in a checked build; 0 for nullptr.
[[nodiscard]] inline std::size_t usable_size(const void* p) noexcept {
  if (!owns(p)) return detail::System::usable_size(const_cast<void*>(p));
  return detail::bytes_at(p);
}

}  // namespace flux::inline FLUX_ABI
