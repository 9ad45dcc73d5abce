// A table of types of many sizes and alignments: what compile-time sizes are, seen through run-time
// functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace flux::test {

struct Kind {
  std::size_t size;       ///< bytes
  std::size_t alignment;  ///< bytes
  void* (*allocate)(std::size_t count);
  void (*deallocate)(void* objects, std::size_t count);
};

/// Ascending: the first sizes, those at and around the end of every size class up to 32 KiB, and some up to 40,000 bytes.
std::span<const Kind> kinds_by_size(std::size_t most_bytes = SIZE_MAX);

/// Alignments 16 to 8,192, each in several sizes.
std::span<const Kind> kinds_by_alignment();

}  // namespace flux::test
