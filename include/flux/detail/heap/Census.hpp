#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <flux/detail/heap/LocalThread.hpp>

namespace flux::detail {

// What there is, counted and found from outside: nothing on the fast paths counts for it.
//
//   live == objects of all slabs - home - in bins - on their way
//   on their way == freed by threads whose heap they are not of - collected by the heaps they are of

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

struct DomainCount {
  const DomainInfo* domain = nullptr;
  std::array<ClassCount, kSizeClasses> classes{};
  std::size_t heaps = 0;
  std::size_t parked_heaps = 0;
  std::size_t committed_bytes = 0;
  std::size_t reserved_bytes = 0;
  std::size_t retained_bytes = 0;
  std::uint64_t slow_calls = 0;
  std::uint64_t chains_posted = 0;
  std::uint64_t chains_collected = 0;

  explicit DomainCount(const DomainInfo& info) noexcept : domain(&info) {
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      // relaxed: a number by itself.
      classes[c].gone = info.freed_elsewhere[c].load(std::memory_order_relaxed);
    }
  }

  void add(ThreadHeap& heap) noexcept {
    const HomeSlabs& home = heap.home();
    const SlabSource& source = home.source();
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      ClassCount& count = classes[c];
      // Both wrap around, and so does their sum: what one heap's thread freed another heap collects.
      count.gone += heap.bins()->freed_elsewhere[c] - heap.collected(c);
      if (home.slabs(c) == 0) continue;
      count.slabs += home.slabs(c);
      count.objects += home.objects(c);
      count.gone += home.home(c) + heap.heap_bins().count_remote(c);
    }
    ++heaps;
    if (!heap.is_owned()) ++parked_heaps;
    committed_bytes += source.committed_bytes();
    reserved_bytes += source.reserved_bytes();
    retained_bytes += source.retained_bytes();
    slow_calls += heap.slow_calls();
    chains_posted += heap.chains_posted();
    chains_collected += heap.chains_collected();
  }
};

/// Every domain that has a thread heap, in the order of their first. Any thread. Throws std::bad_alloc.
inline std::vector<DomainCount> count_domains() {
  std::vector<ThreadHeap*> heaps;  // the last one made first
  heap_list.for_each([&heaps](ThreadHeap& heap) { heaps.push_back(&heap); });
  std::vector<DomainCount> counts;
  for (auto heap = heaps.rbegin(); heap != heaps.rend(); ++heap) {
    const DomainInfo& domain = (*heap)->domain();
    const auto is_of_heap = [&domain](const DomainCount& count) { return count.domain == &domain; };
    auto found = std::find_if(counts.begin(), counts.end(), is_of_heap);
    if (found == counts.end()) found = counts.emplace(found, domain);
    found->add(**heap);
  }
  return counts;
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
      // A thread with heaps in several domains is met several times, which does no harm.
      if (heap.outbox() != nullptr && heap.outbox() != mine) heap.outbox()->for_each(add);
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
      if ((slab.bitmap[i / 64] >> i % 64 & 1) != 0) continue;
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

}  // namespace flux::detail
