/// @file
/// The version of flux, in its only place: CMake, and what makes packages, read the three numbers from here. Programs compare flux::kVersion, or
/// the macros where the preprocessor has to decide.
///
/// @def FLUX_VERSION_MAJOR
/// The first number of the version.
/// @def FLUX_VERSION_MINOR
/// The second number of the version.
/// @def FLUX_VERSION_PATCH
/// The third number of the version.
#pragma once

#include <compare>

#include <flux/detail/base/Config.hpp>

#define FLUX_VERSION_MAJOR 1
#define FLUX_VERSION_MINOR 0
#define FLUX_VERSION_PATCH 0

namespace flux::inline FLUX_ABI {

/// The three numbers of a version.
struct Version {
  int major_number;  ///< the first number
  int minor_number;  ///< the second number
  int patch_number;  ///< the third number

  /// The older version is the lesser: compares the numbers one after another.
  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

/// The version of these headers.
inline constexpr Version kVersion{FLUX_VERSION_MAJOR, FLUX_VERSION_MINOR, FLUX_VERSION_PATCH};

}  // namespace flux::inline FLUX_ABI
