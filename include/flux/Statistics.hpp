#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Census.hpp>

/// @file
/// What memory flux has, and for what. How it is printed: flux/StatisticsText.hpp.

namespace flux::inline FLUX_ABI {

/// The objects of one size class in one domain. live + free == objects.
struct ClassStatistics {
  std::size_t object_size;  ///< bytes from one object to the next
  std::size_t slabs;        ///< in use for the class
  std::size_t objects;      ///< that the slabs hold
  std::size_t live;         ///< objects that are allocated
  std::size_t free;         ///< objects that are not
};

/// A domain: the thread heaps of a tag, or of none.
struct DomainStatistics {
  std::string_view tag;                  ///< the tag's name; "default" without one
  std::vector<ClassStatistics> classes;  ///< those with a slab, the smallest first
  std::size_t heaps;                     ///< with the parked ones
  std::size_t parked_heaps;              ///< whose threads have ended
  std::size_t bytes_live;                ///< in live objects
  std::size_t bytes_retained;            ///< in free slabs, and perhaps still resident
  std::size_t bytes_committed;           ///< that may be used; what of it is resident the system knows
  std::size_t bytes_reserved;            ///< of address space
  std::uint64_t slow_calls;              ///< refills and spills of owners, from the beginning on
  std::uint64_t chains_posted;     ///< runs of objects sent home by other threads, from the beginning on
  std::uint64_t chains_collected;  ///< and taken home, from the beginning on
};

/// What there is of all domains.
struct Statistics {
  std::vector<DomainStatistics> domains;  ///< those in which a thread ever had a heap, the oldest first
};

namespace detail {

/// Of the heaps of one domain.
inline DomainStatistics count_domain(const std::vector<ThreadHeap*>& heaps) {
  DomainStatistics domain{};
  ClassCounts counts(heaps.front()->domain());
  for (const ThreadHeap* heap : heaps) {
    counts.add(*heap);
    const SlabSource& source = heap->home().source();
    if (!heap->is_owned()) ++domain.parked_heaps;
    domain.bytes_retained += source.retained_bytes();
    domain.bytes_committed += source.committed_bytes();
    domain.bytes_reserved += source.reserved_bytes();
    domain.slow_calls += heap->slow_calls();
    domain.chains_posted += heap->chains_posted();
    domain.chains_collected += heap->chains_collected();
  }
  domain.tag = heaps.front()->domain().name;
  domain.heaps = heaps.size();
  domain.classes.reserve(16);
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    const ClassCount& count = counts[c];
    if (count.slabs == 0) continue;
    const std::size_t live = count.live();
    domain.classes.push_back({stride_of(c), count.slabs, count.objects, live, count.objects - live});
    domain.bytes_live += live * stride_of(c);
  }
  return domain;
}

}  // namespace detail

/// A snapshot. Any thread, at any time, but not from signal handlers; takes no lock, and nobody waits for it. Exact when
/// no thread allocates or frees meanwhile, also of objects that other threads freed; otherwise near the truth, each
/// number possible, and live + free == objects. Objects of a flux::Heap are not counted. Throws std::bad_alloc.
///
/// Where two copies of flux (see flux/Control.hpp) free each other's objects, each counts those of the other that it
/// freed as free, and those of its own that the other freed, once they have come home, as live.
inline Statistics stats() {
  Statistics statistics;
  for (const auto& heaps : detail::heaps_by_domain())
    statistics.domains.push_back(detail::count_domain(heaps));
  return statistics;
}

}  // namespace flux::inline FLUX_ABI
