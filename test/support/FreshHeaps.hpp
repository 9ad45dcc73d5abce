// A world without thread heaps: threads that begin in it make their own, and those are gone when it ends.
#pragma once

#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <vector>

#include "support/FailingPageSource.hpp"

namespace flux::test {

/// All heaps that are parked now, the last one parked first; the caller owns them.
inline std::vector<detail::ThreadHeap*> adopt_all(detail::ParkedHeaps& parked = detail::parked_heaps<>) {
  std::vector<detail::ThreadHeap*> heaps;
  while (detail::ThreadHeap* heap = parked.adopt()) heaps.push_back(heap);
  return heaps;
}

/// Parks heaps so that adopt_all gives them in the same order again.
inline void park_all(const std::vector<detail::ThreadHeap*>& heaps,
                     detail::ParkedHeaps& parked = detail::parked_heaps<>) {
  for (auto heap = heaps.rbegin(); heap != heaps.rend(); ++heap) parked.park(*heap);
}

/// Holds back the heaps that are parked when it begins, so that the next thread makes one, from `pages()`, and
/// nobody knows of another. At
/// its end the heaps made meanwhile are given up and their memory is released; those held back are parked
/// again.
///
/// The test's own thread must not use flux meanwhile, and threads that do must have ended with it.
class FreshHeaps {
 public:
  explicit FreshHeaps(std::size_t address_limit = kModestPieces) : pages_(address_limit) {}
  FreshHeaps(const FreshHeaps&) = delete;
  FreshHeaps& operator=(const FreshHeaps&) = delete;
  ~FreshHeaps() {
    adopt_all();
    detail::heap_list.newest = newest_before_;
#if FLUX_SHARED_CODE
    detail::bins_cache<> = {};
#endif
    park_all(held_back_);
  }

  FailingPageSource& pages() { return pages_; }

  /// The heaps parked meanwhile, the last one parked first; they stay parked.
  std::vector<detail::ThreadHeap*> parked() {
    std::vector<detail::ThreadHeap*> heaps = adopt_all();
    park_all(heaps);
    return heaps;
  }

 private:
  std::size_t trimmed_ =
      detail::local_thread.trim();  // so that parked heaps of tags have no part of the limit either
  FailingPageSource pages_;
  detail::ThreadHeap* newest_before_ = detail::heap_list.newest.exchange(nullptr);
  std::vector<detail::ThreadHeap*> held_back_ = adopt_all();
};

/// A heap that belongs to the test alone, and whose memory is released at its end.
class OwnHeap {
 public:
  explicit OwnHeap(std::size_t address_limit = kModestPieces,
                   std::size_t page_bytes = detail::System::page_bytes())
      : pages_(address_limit, page_bytes), heap_(detail::ThreadHeap::create(detail::domain_info<>)) {}

  FailingPageSource& pages() { return pages_; }
  detail::ThreadHeap& operator*() const { return *heap_; }
  detail::ThreadHeap* operator->() const { return heap_; }

 private:
  FailingPageSource pages_;
  detail::ThreadHeap* heap_;
};

}  // namespace flux::test
