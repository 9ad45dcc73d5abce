#pragma once

#include <flux/MemoryResource.hpp>

#include "support/Pmr.hpp"

namespace bench {

inline constexpr const char* kPeerName = "flux through polymorphic_allocator";

inline std::pmr::memory_resource* const replaced = std::pmr::set_default_resource(flux::memory_resource());

}  // namespace bench
