// A world of its own for each input, so that an input does the same whatever ran before it.
#pragma once

#include <array>
#include <cstddef>
#include <exception>
#include <flux/detail/heap/LocalHeap.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "fuzz/Input.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapCensus.hpp"
#include "support/Threads.hpp"

namespace flux::test::fuzz {

/// Like FreshHeaps, for a domain with a tag; inside of one.
template <class Tag>
class FreshDomain {
 public:
  FreshDomain() {
    for (std::size_t c = 0; c != detail::kSizeClasses; ++c)
      freed_before_[c] = detail::domain_info<Tag>.freed_elsewhere[c].exchange(0);
  }
  FreshDomain(const FreshDomain&) = delete;
  FreshDomain& operator=(const FreshDomain&) = delete;
  ~FreshDomain() {
    adopt_all(detail::parked_heaps<Tag>);
#if FLUX_SHARED_CODE
    detail::bins_cache<Tag> = {};
#endif
    park_all(held_back_, detail::parked_heaps<Tag>);
    for (std::size_t c = 0; c != detail::kSizeClasses; ++c)
      detail::domain_info<Tag>.freed_elsewhere[c] = freed_before_[c];
  }

 private:
  std::vector<detail::ThreadHeap*> held_back_ = adopt_all(detail::parked_heaps<Tag>);
  std::array<std::size_t, detail::kSizeClasses> freed_before_{};
};

/// That the structures of every heap agree, while no other thread is at work.
inline void expect_valid_heaps() {
  std::string complaint;
  detail::heap_list.for_each([&](detail::ThreadHeap& heap) {
    if (complaint.empty()) complaint = complaint_about(heap);
  });
  expect(complaint.empty(), complaint.c_str());
}

/// Runs `work(pages)` on a new thread that finds no heap of these domains, nor of `void`, and whose own come from `pages`,
/// a FailingPageSource. The calling thread, and all that `work` does not join, leave flux alone meanwhile.
template <class... Tags, class Work>
void run_in_new_world(Work work) {
  FreshHeaps fresh;
  const FreshDomain<void> untagged;
  const std::tuple<FreshDomain<Tags>...> tagged;
  std::exception_ptr failure;
  run_thread([&] {
    try {
      work(fresh.pages());
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
  expect_valid_heaps();
  expect(fresh.pages().complaint().empty(), fresh.pages().complaint().c_str());
}

}  // namespace flux::test::fuzz
