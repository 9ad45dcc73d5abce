#pragma once

#include <cstddef>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/ForeignWork.hpp>

namespace flux::inline FLUX_ABI::detail {

/// Trims all heaps that are not at work, and those for which `is_mine(heap)`, which the calling thread owns; returns
/// the bytes.
template <class IsMine>
std::size_t trim_all(IsMine is_mine) noexcept {
  std::size_t bytes = 0;
  Wait wait;  // one for all heaps: where no fork can be kept out, each would wait to the end
  heap_list.for_each([&](ThreadHeap& heap) {
    const bool is_own = is_mine(heap);
    while (!is_own && !foreign_work.begin(heap)) {  // somebody forks
      if (wait.is_over()) return;
      wait.once();
    }
    bytes += heap.trim(is_own);
    if (!is_own) foreign_work.end();
  });
  return bytes;
}

}  // namespace flux::inline FLUX_ABI::detail
