// A table of types of many sizes and alignments: what compile-time sizes are, seen through run-time
// functions.
#pragma once

#include <cstddef>
#include <span>

namespace flux::test {

struct Kind {
  std::size_t size;       ///< bytes
  std::size_t alignment;  ///< bytes
  void* (*allocate)(std::size_t count);
  void (*deallocate)(void* objects, std::size_t count);
};

/// Sizes 1 to 320, then those at and around every size class up to 32 KiB and some beyond, up to 40,000
/// bytes.
std::span<const Kind> kinds_by_size();

/// Alignments 16 to 8,192, each in several sizes.
std::span<const Kind> kinds_by_alignment();

}  // namespace flux::test
