#pragma once

#include <memory_resource>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Resource.hpp>

namespace flux::inline FLUX_ABI {

/// A `std::pmr::memory_resource` over the slab heaps of the calling thread: sizes up to 32 KiB, aligned up to 4 KiB,
/// come from slabs, all else from `operator new`. For `std::pmr` containers and all that takes a memory_resource*.
///
/// Stateless: all of one Tag are equal, and what one allocates, any other frees, on any thread, at any time. All
/// functions may be called by any thread, but not from signal handlers. allocate throws std::bad_alloc; 0 bytes have
/// an address of their own. deallocate requires the size and alignment that allocate was called with.
template <class Tag>
using TaggedMemoryResource = detail::Resource<std::pmr::memory_resource, Tag>;
/// The resource over the slabs of no tag.
using MemoryResource = TaggedMemoryResource<void>;

/// An instance, constant-initialised and never destroyed: static containers may use it to their end. Any thread. Tag: that of
/// the slabs, or `void` for those of none.
template <class Tag = void>
TaggedMemoryResource<Tag>* memory_resource() noexcept {
  return &detail::everlasting<TaggedMemoryResource<Tag>>.resource;
}

}  // namespace flux::inline FLUX_ABI
