#pragma once

#include "support/Pmr.hpp"

namespace bench {

inline constexpr const char* kPeerName = "std::pmr::synchronized_pool_resource";

inline std::pmr::synchronized_pool_resource pool;
inline std::pmr::memory_resource* const replaced = std::pmr::set_default_resource(&pool);

}  // namespace bench
