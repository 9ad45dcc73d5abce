// The version of flux, in its only place: CMake, and what makes packages, read the three numbers from here.
#pragma once

#include <compare>

#include <flux/detail/base/Config.hpp>

#define FLUX_VERSION_MAJOR 1
#define FLUX_VERSION_MINOR 0
#define FLUX_VERSION_PATCH 0

namespace flux::inline FLUX_ABI {

struct Version {
  int major_number;
  int minor_number;
  int patch_number;

  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

inline constexpr Version kVersion{FLUX_VERSION_MAJOR, FLUX_VERSION_MINOR, FLUX_VERSION_PATCH};

}  // namespace flux::inline FLUX_ABI
