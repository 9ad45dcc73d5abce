#pragma once

#include "support/Pmr.hpp"

namespace bench {

inline constexpr const char* kPeerName = "std::pmr::new_delete_resource";  // the default one

}  // namespace bench
