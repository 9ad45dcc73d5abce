#pragma once

#include <cstddef>

#include <flux/detail/heap/ForeignWork.hpp>

namespace flux::detail {

/// Trims `mine`, the calling thread's heap (or nullptr), and all others that are not at work; returns the bytes.
inline std::size_t trim_all(ThreadHeap* mine) noexcept {
  std::size_t bytes = 0;
  heap_registry.for_each([&](ThreadHeap& heap) {
    if (&heap != mine && !foreign_work.begin()) return;
    bytes += heap.trim(&heap == mine);
    if (&heap != mine) foreign_work.end();
  });
  return bytes;
}

}  // namespace flux::detail
