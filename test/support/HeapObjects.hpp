// Objects of thread heaps: marked, checked, and given back in any way there is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <span>

#include "support/HeapCensus.hpp"
#include "support/ObjectSets.hpp"
#include "support/Pattern.hpp"
#include "support/Random.hpp"
#include "support/Threads.hpp"

namespace flux::test {

/// Bytes at the start of an object that tests write to, so that large objects need not be resident.
inline std::size_t marked_bytes(unsigned size_class) {
  return std::min<std::size_t>(detail::stride_of(size_class), 64);
}

/// Opens it as well to tools that were not told of it: those who take objects from below the doors do not announce them.
inline void mark(void* object, unsigned size_class) {
  detail::open_free(object, detail::stride_of(size_class));
  write_mark(object, marked_bytes(size_class), reinterpret_cast<std::uintptr_t>(object) + size_class);
}

inline bool is_marked(const void* object, unsigned size_class) {
  return has_mark(object, marked_bytes(size_class), reinterpret_cast<std::uintptr_t>(object) + size_class);
}

inline bool are_marked(std::span<void* const> objects, unsigned size_class) {
  return std::ranges::all_of(objects, [size_class](void* object) { return is_marked(object, size_class); });
}

/// `count` marked objects, fewer when memory is out.
inline Objects pop_many(detail::ThreadHeap& heap, unsigned size_class, std::size_t count) {
  Objects objects;
  while (objects.size() != count) {
    void* const object = heap.pop(size_class);
    if (object == nullptr) break;
    mark(object, size_class);
    objects.push_back(object);
  }
  return objects;
}

inline void push_all(detail::ThreadHeap& heap, std::span<void* const> objects, unsigned size_class) {
  for (void* object : objects) heap.push(object, size_class);
}

/// What a thread has that frees objects of other heaps.
class OtherThread {
 public:
  void free(detail::ThreadHeap& owner, void* object, unsigned size_class) {
    if (bins_.open_run.add_above(object, size_class)) return;
    if (thread_.try_deallocate(object, size_class, bins_)) return;
    if (!thread_.try_deallocate(&owner, object, size_class, bins_))
      thread_.deallocate(&owner, object, size_class, bins_);
  }
  void flush() {
    thread_.end_run(bins_);
    thread_.flush();
  }
  /// Calls `visit(void*)` for each object that it has.
  template <class Visit>
  void for_each(Visit visit) const {
    thread_.outbox().for_each(visit);
    const detail::ObjectRun open = bins_.open_run.get_remote();
    if (!open.is_none()) open.for_each(visit);
  }
  std::size_t freed(unsigned size_class) const {
    const detail::ObjectRun open = bins_.open_run.get_remote();
    return bins_.freed_elsewhere[size_class] + (open.is_none() ? 0 : open.count());
  }

 private:
  detail::LocalThread thread_;
  detail::Bins bins_{};
};

/// Sends objects home as another thread does that frees them and ends.
inline void post_all(detail::ThreadHeap& heap, std::span<void* const> objects, unsigned size_class) {
  run_thread([&] {
    OtherThread thread;
    for (void* object : objects) thread.free(heap, object, size_class);
    thread.flush();
  });
}

/// Empties the bin of a class and lets one refill happen; how many objects that brought home from other
/// threads.
inline std::size_t collect_once(detail::ThreadHeap& heap, unsigned size_class = 40) {
  const std::size_t away = census_of(heap).away();
  Objects popped = pop_many(heap, size_class, in_bin(heap, size_class) + 1);
  const std::size_t collected = away + popped.size() - census_of(heap).away();
  push_all(heap, popped, size_class);
  return collected;
}

/// Lets a heap take home all that was sent to it; what is away afterwards is live.
inline void settle(detail::ThreadHeap& heap) {
  while (collect_once(heap) != 0) continue;
}

/// What the calling thread gets from its own heap: marked objects. Throws std::bad_alloc.
inline Objects allocate_many(unsigned size_class, std::size_t count) {
  Objects objects;
  while (objects.size() != count) {
    objects.push_back(detail::allocate(size_class));
    mark(objects.back(), size_class);
  }
  return objects;
}

inline void deallocate_all(std::span<void* const> objects, unsigned size_class) {
  for (void* object : objects) detail::deallocate(object, size_class);
}

inline void shuffle(Objects& objects, Random& random) { std::ranges::shuffle(objects, random); }

}  // namespace flux::test
