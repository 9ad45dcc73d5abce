#pragma once

#include <boost/container/pmr/memory_resource.hpp>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Resource.hpp>

namespace flux::inline FLUX_ABI {

/// flux::MemoryResource for the containers of `boost::container::pmr`: the same contract, with Boost's base class.
/// Not part of flux/flux.hpp: this header alone needs Boost.Container.
template <class Tag>
using TaggedBoostMemoryResource = detail::Resource<boost::container::pmr::memory_resource, Tag>;
/// The resource over the slabs of no tag.
using BoostMemoryResource = TaggedBoostMemoryResource<void>;

/// An instance, constant-initialised and never destroyed: static containers may use it to their end. Any thread. Tag: that of
/// the slabs, or `void` for those of none.
template <class Tag = void>
TaggedBoostMemoryResource<Tag>* boost_memory_resource() noexcept {
  return &detail::everlasting<TaggedBoostMemoryResource<Tag>>.resource;
}

}  // namespace flux::inline FLUX_ABI
