// Memory of this process that lies in the machine, to the page.
#pragma once

#include <cstddef>

namespace flux::test {

inline constexpr std::size_t kKiB = std::size_t{1} << 10;
inline constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Resident bytes that are no file's: what allocators have. Unlike the counters of /proc/self/statm, which
/// lag by some pages a thread and include the program's own code. Throws std::runtime_error.
std::size_t resident_bytes();

/// By how much a figure is above another; 0 when it is not.
constexpr std::size_t growth(std::size_t from, std::size_t to) { return to > from ? to - from : 0; }

}  // namespace flux::test
