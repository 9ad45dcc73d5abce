// Where the objects of a thread heap are, counted from the outside, and whether its structures agree.
#pragma once

#include <algorithm>
#include <cstddef>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <string>
#include <vector>

namespace flux::test {

/// Objects of one class, or of all. All that are not home and not in a bin are live or in chains.
struct Census {
  std::size_t slabs = 0;
  std::size_t objects = 0;
  std::size_t home = 0;
  std::size_t in_bins = 0;

  std::size_t away() const { return objects - home - in_bins; }
};

/// Calls `visit(Slab&)` for each slab in use. The owner alone may do so, or anyone while the heap is parked.
template <class Visit>
void for_each_slab(detail::ThreadHeap& heap, Visit visit) {
  for (detail::Region* region = detail::Region::of(&heap); region != nullptr; region = region->next)
    for (std::size_t unit = detail::kHeaderUnits; unit < region->committed_units; ++unit)
      if (region->slabs[unit].capacity != 0) visit(region->slabs[unit]);
}

inline std::size_t regions_of(detail::ThreadHeap& heap) {
  std::size_t count = 0;
  for (detail::Region* region = detail::Region::of(&heap); region != nullptr; region = region->next) ++count;
  return count;
}

inline std::size_t in_bin(detail::ThreadHeap& heap, unsigned size_class) {
  const detail::Bin& bin = heap.bins()->bins[size_class];
  return static_cast<std::size_t>(bin.level - bin.bottom);
}

inline Census census_of(detail::ThreadHeap& heap, unsigned size_class) {
  Census census;
  for_each_slab(heap, [&](const detail::Slab& slab) {
    if (slab.size_class != size_class) return;
    ++census.slabs;
    census.objects += slab.capacity;
    census.home += slab.free;
  });
  census.in_bins = in_bin(heap, size_class);
  return census;
}

inline Census census_of(detail::ThreadHeap& heap) {
  Census census;
  for_each_slab(heap, [&](const detail::Slab& slab) {
    ++census.slabs;
    census.objects += slab.capacity;
    census.home += slab.free;
  });
  for (unsigned c = 0; c != detail::kSizeClasses; ++c) census.in_bins += in_bin(heap, c);
  return census;
}

/// Whether an object is home: its bit is set.
inline bool is_home(const void* object) {
  const detail::Slab& slab = detail::Region::slab_of(object);
  const auto index =
      static_cast<std::size_t>(static_cast<const std::byte*>(object) - slab.objects) / slab.stride;
  return (slab.bitmap[index / 64] >> index % 64 & 1) != 0;
}

/// Whether `object` is one of the heap's, of that class, and begins where one does.
inline bool is_object_of(detail::ThreadHeap& heap, const void* object, unsigned size_class) {
  if (detail::ThreadHeap::owner_of(object) != &heap) return false;
  const detail::Slab& slab = detail::Region::slab_of(object);
  return slab.capacity != 0 && slab.size_class == size_class && slab.holds(object) &&
         static_cast<std::size_t>(static_cast<const std::byte*>(object) - slab.objects) % slab.stride == 0;
}

/// What is wrong with a bin: each of its objects is the class's, not home, and there once.
inline std::string complaint_about_bin(detail::ThreadHeap& heap, unsigned size_class) {
  const detail::Bin& bin = heap.bins()->bins[size_class];
  void** const end = heap.bins()->stack_end(size_class);
  std::vector<void*> objects(end + bin.bottom, end + bin.level);
  for (const void* object : objects) {
    if (!is_object_of(heap, object, size_class)) return "a bin holds what is no object of its class";
    if (is_home(object)) return "a bin holds an object that is home";
  }
  std::ranges::sort(objects);
  if (std::ranges::adjacent_find(objects) != objects.end()) return "a bin holds an object twice";
  return {};
}

/// What is wrong with a heap that nothing is in progress on, or an empty text.
inline std::string complaint_about(detail::ThreadHeap& heap) {
  if (!heap.is_valid()) return "is_valid() is false";
  std::string complaint;
  for (unsigned c = 0; c != detail::kSizeClasses && complaint.empty(); ++c)
    complaint = complaint_about_bin(heap, c);
  return complaint;
}

}  // namespace flux::test
