#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>

#include <flux/detail/heap/Bins.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/slab/PartialSlabs.hpp>
#include <flux/detail/slab/SlabSource.hpp>

namespace flux::detail {

// The regions, slabs and free objects of one thread. Lives in its own first region and is never destroyed:
// when its thread ends it is parked, with everything in it, and a later thread adopts it.
//
//   objects of all slabs == at home (set bits) + in the owner's bins + in chains + live
//   a chain is in the inbox, in pending_, or still being filled by another thread
//
// Owned (by one thread, which alone calls anything but post_remote) or parked (in HeapRegistry).
class ThreadHeap {
 public:
  /// A heap with its first region, owned by the caller; nullptr, with nothing kept, when memory is out.
  static ThreadHeap* create() noexcept {
    SlabSource source;
    if (!source.open_first()) return nullptr;
    return ::new (source.take_heap_units()) ThreadHeap(source);
  }

  /// The heap that an object belongs to. Any thread.
  static ThreadHeap* owner_of(const void* object) noexcept {
    const Region* region = Region::of(object);
    if (region->magic != Region::kMagic) [[unlikely]]
      die("free of an address that flux never handed out");
    return region->owner;
  }

  /// Any thread: sends home a run of carriers of this heap's objects.
  void post_remote(Carrier* first, Carrier* last) noexcept { inbox_.post_remote(first, last); }

  /// Fills an empty bin with objects of the class, so that pops come in address order; false when memory is
  /// out. Before it gives up it brings home all that the heap can reach, once (`was_short`).
  bool refill(unsigned size_class, bool was_short = false) noexcept {
    collect();
    void** const end = own_.bins.stack_end(size_class);
    void** const limit = end - Bins::capacity(size_class);
    void** const high = limit + kSizeClassInfo[size_class].bin_refill;
    void** low = high;
    PartialSlabs& partial = partial_[size_class];
    Slab* slab = nullptr;
    for (unsigned visits = 0; visits != kMostVisits && low != limit; ++visits) {
      slab = partial.next_after(slab);
      if (slab == nullptr) {
        if (low != high) break;  // some are better than a fresh slab
        slab = source_.carve(size_class);
        if (slab == nullptr && !was_short) return bring_all_home(), refill(size_class, true);
        if (slab == nullptr) break;
      }
      low = slab->take(limit, low);
      partial.update_first(*slab);
    }
    own_.bins.bins[size_class] = {high - end, low - end};
    spilled_[size_class] = 0;
    return low != high;
  }

  /// Brings the colder part of a full bin home and moves the rest down. The bin's level is 0: it has no place
  /// left.
  ///
  /// A bin keeps half. One that only spills, because a large container is being cleared, soon works in an
  /// eighth of its memory, or 8 places: what stays behind in a bin is in the order it was freed in, and the
  /// next fill would begin with it.
  void spill(unsigned size_class) noexcept {
    const std::ptrdiff_t full = Bins::capacity(size_class);
    const std::ptrdiff_t least = std::max(full / 8, std::ptrdiff_t{8});
    const std::ptrdiff_t capacity = spilled_[size_class] < 4 * full ? full : least;
    const std::ptrdiff_t keep = capacity / 2;
    void** const end = own_.bins.stack_end(size_class);
    Bin& bin = own_.bins.bins[size_class];
    put_back(end + bin.bottom, end - keep);
    spilled_[size_class] += -bin.bottom - keep;
    std::memmove(end - capacity, end - keep, static_cast<std::size_t>(keep) * sizeof *end);
    bin = {keep - capacity, -capacity};
  }

  /// The slow twins of the fast paths: an object of the class, or nullptr when memory is out; and one back.
  void* pop(unsigned size_class) noexcept {
    Bin& bin = own_.bins.bins[size_class];
    if (bin.level == bin.bottom && !refill(size_class)) return nullptr;
    return own_.bins.stack_end(size_class)[--bin.level];
  }
  void push(void* object, unsigned size_class) noexcept {
    Bin& bin = own_.bins.bins[size_class];
    own_.bins.stack_end(size_class)[bin.level] = object;
    if (++bin.level == 0) spill(size_class);
  }

  /// What the owner's fast paths work on.
  Bins* bins() noexcept { return &own_.bins; }

  /// Whether all structures of a heap agree, with nothing in progress.
  bool is_valid() const noexcept {
    bool valid = source_.is_valid() && own_.bins.is_valid();
    for (const PartialSlabs& partial : partial_) valid = valid && partial.is_valid();
    source_.for_each_slab([&](const Slab& slab) {
      const bool is_listed = slab.list != Slab::kNotListed;
      valid = valid && slab.is_valid() && is_listed == (slab.free != 0) && slab.free != slab.capacity;
    });
    return valid;
  }

  std::atomic<ThreadHeap*> next_parked{nullptr};  ///< HeapRegistry's

 private:
  // A refill looks at no more slabs than this, and takes no more objects from the inbox: no call does
  // unbounded work.
  static constexpr unsigned kMostVisits = 8;
  static constexpr std::size_t kMostCollected = 512;

  explicit ThreadHeap(const SlabSource& source) noexcept : source_(source) {
    source_.set_owner(this);
    own_.bins.main_begin = reinterpret_cast<std::uintptr_t>(source.main_reservation().begin);
    own_.bins.main_bytes = source.main_reservation().bytes;
    for (unsigned c = 0; c != kSizeClasses; ++c) own_.bins.bins[c] = {-Bins::capacity(c), -Bins::capacity(c)};
  }

  /// Memory is out: empties the inbox and every bin, so that slabs of other classes become unused. Not
  /// bounded.
  [[gnu::noinline]] void bring_all_home() noexcept {
    do collect();
    while (pending_ != nullptr);
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      Bin& bin = own_.bins.bins[c];
      void** const end = own_.bins.stack_end(c);
      put_back(end + bin.bottom, end + bin.level);
      bin = {-Bins::capacity(c), -Bins::capacity(c)};
    }
  }

  /// Takes what other threads sent home, a bounded part at a time; the rest waits in pending_.
  void collect() noexcept {
    if (pending_ == nullptr) pending_ = inbox_.take_all();
    if (pending_ == nullptr) return;
    std::array<void*, kMostCollected + Carrier::kMostCarried> objects;
    void** end = objects.data();
    while (pending_ != nullptr && end < objects.data() + kMostCollected) {
      Carrier* const carrier = pending_;
      pending_ = carrier->next;
      __builtin_prefetch(pending_);
      *end++ = carrier;
      void** const places = carrier->places();
      const std::size_t count = Carrier::carried_by(Region::slab_of(carrier).stride);
      for (std::size_t i = 0; i != count && places[i] != nullptr; ++i) *end++ = places[i];
    }
    put_back(objects.data(), end);
  }

  /// Brings objects of this heap home, in runs of the same slab.
  void put_back(void* const* first, void* const* last) noexcept {
    while (first != last) {
      Slab& slab = Region::slab_of(*first);
      first = slab.put(first, last);
      PartialSlabs& partial = partial_[slab.size_class];
      if (slab.free == slab.capacity) {
        partial.remove(slab);
        source_.retire(slab);
      } else {
        partial.update(slab);
      }
    }
  }

  alignas(128) Inbox inbox_;  // other threads write it: no line shared with what the owner uses
  alignas(128) SlabSource source_;
  Carrier* pending_ = nullptr;
  std::array<PartialSlabs, kSizeClasses> partial_{};
  std::array<std::ptrdiff_t, kSizeClasses> spilled_{};  ///< objects each bin spilled since its last refill
  alignas(64) BinsAndStacks own_;
};

static_assert(sizeof(ThreadHeap) <= SlabSource::kHeapUnits * kUnitBytes);

}  // namespace flux::detail
