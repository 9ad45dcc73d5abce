#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/LocalThread.hpp>

namespace flux::inline FLUX_ABI::detail {

// What there is, counted and found from outside: nothing on the fast paths counts for it.
//
//   live == objects of all slabs - home - in bins - on their way
//   on their way == freed by threads whose heap they are not of, also in open runs - collected by the heaps they are of

/// The objects of a class in a domain, summed over its thread heaps. Of different moments while threads are at work:
/// `gone`, which is all that is not live, is then no more than near the truth, and may be out of range.
struct ClassCount {
  std::size_t slabs = 0;
  std::size_t objects = 0;
  std::size_t gone = 0;

  std::size_t live() const noexcept {
    return gone > PTRDIFF_MAX ? objects : objects - std::min(objects, gone);
  }
};

// The classes of a domain.
class ClassCounts {
 public:
  explicit ClassCounts(const DomainInfo& domain) noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      // relaxed: a number by itself.
      counts_[c].gone = domain.freed_elsewhere[c].load(std::memory_order_relaxed);
    }
  }

  void add(const ThreadHeap& heap) noexcept {
    const HomeSlabs& home = heap.home();
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      ClassCount& count = counts_[c];
      // Both wrap around, and so does their sum: what one heap's thread freed another heap collects.
      count.gone += heap.heap_bins().bins().freed_elsewhere[c] - heap.collected(c);
      if (home.slabs(c) == 0) continue;
      count.slabs += home.slabs(c);
      count.objects += home.objects(c);
      count.gone += home.home(c) + heap.heap_bins().count_remote(c);
    }
    const ObjectRun open = heap.heap_bins().bins().open_run.get_remote();
    if (!open.is_none()) counts_[open.size_class()].gone += open.count();
  }

  const ClassCount& operator[](unsigned size_class) const noexcept { return counts_[size_class]; }

 private:
  std::array<ClassCount, kSizeClasses> counts_{};
};

/// The thread heaps of every domain that has one, domains and heaps the oldest first. Any thread. Throws
/// std::bad_alloc.
inline std::vector<std::vector<ThreadHeap*>> heaps_by_domain() {
  std::vector<ThreadHeap*> heaps;  // the last one made first
  heap_list.for_each([&heaps](ThreadHeap& heap) { heaps.push_back(&heap); });
  std::vector<std::vector<ThreadHeap*>> domains;
  for (auto heap = heaps.rbegin(); heap != heaps.rend(); ++heap) {
    const auto is_of_heap = [heap](const auto& domain) {
      return &domain.front()->domain() == &(*heap)->domain();
    };
    auto found = std::find_if(domains.begin(), domains.end(), is_of_heap);
    if (found == domains.end()) found = domains.emplace(found);
    found->push_back(*heap);
  }
  return domains;
}

// The free objects that are not home, by their addresses. Requires that no thread is at work meanwhile.
class StrayObjects {
 public:
  /// Throws std::bad_alloc.
  StrayObjects() {
    const auto add = [this](void* object) { strays_.push_back(reinterpret_cast<std::uintptr_t>(object)); };
    const Outbox* const mine = &local_thread.outbox();
    mine->for_each(add);
    heap_list.for_each([&](const ThreadHeap& heap) {
      heap.for_each_free(add);
      const ObjectRun open = heap.heap_bins().bins().open_run.get_remote();
      if (!open.is_none()) open.for_each(add);
      // A thread with heaps in several domains is met several times, which does no harm.
      const Outbox* const outbox = heap.owner_outbox.get();
      if (outbox != nullptr && outbox != mine) outbox->for_each(add);
    });
    std::sort(strays_.begin(), strays_.end());
  }

  /// Calls `visit(const void*)` for each live object of a slab, lowest address first; returns how many there are.
  template <class Visit>
  std::size_t for_each_live(const Slab& slab, Visit visit) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(slab.objects);
    auto stray = std::lower_bound(strays_.begin(), strays_.end(), begin);
    std::size_t count = 0;
    for (std::uint32_t i = 0; i != slab.capacity; ++i) {
      if (slab.is_home(i)) continue;
      const std::byte* const object = slab.objects + std::size_t{i} * slab.stride;
      while (stray != strays_.end() && *stray < reinterpret_cast<std::uintptr_t>(object)) ++stray;
      if (stray != strays_.end() && *stray == reinterpret_cast<std::uintptr_t>(object)) continue;
      visit(static_cast<const void*>(object));
      ++count;
    }
    return count;
  }

 private:
  std::vector<std::uintptr_t> strays_;
};

}  // namespace flux::inline FLUX_ABI::detail
