#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>

#include <flux/detail/heap/Bin.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/slab/PartialSlabs.hpp>
#include <flux/detail/slab/SlabSource.hpp>

namespace flux::detail {

// The regions, slabs and free objects of one thread. Lives in its own first region and is never destroyed: when its
// thread ends it is parked, with everything in it, and a later thread adopts it.
//
//   objects of all slabs == objects at home (set bits) + in the owner's bins + in chains (inbox, pending_, or still
//                           being filled by another thread) + live
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
    if (region->magic != Region::kMagic) [[unlikely]] die("free of an address that flux never handed out");
    return region->owner;
  }

  /// Any thread: sends home a run of carriers of this heap's objects.
  void post_remote(Carrier* first, Carrier* last) noexcept { inbox_.post_remote(first, last); }

  /// Fills an empty bin with objects of the class, so that pops come in address order; false when memory is out.
  bool refill(Bin& bin, unsigned size_class) noexcept {
    collect();
    const SizeClassInfo& info = kSizeClassInfo[size_class];
    void** const limit = stacks_.data() + kStackOffsets[size_class];
    void** const high = limit + info.bin_refill;
    void** low = high;
    PartialSlabs& partial = partial_[size_class];
    for (unsigned visits = 0; visits != kMostVisits && low != limit; ++visits) {
      Slab* slab = partial.fullest();
      if (slab == nullptr) {
        if (low != high) break;  // some are better than a fresh slab
        slab = source_.carve(size_class);
        if (slab == nullptr) break;
      }
      low = slab->take(limit, low);
      partial.update(*slab);
    }
    bin = {high, low, limit + info.bin_capacity};
    return low != high;
  }

  /// Brings the colder half of a full bin home and moves the rest down.
  void spill(Bin& bin, unsigned size_class) noexcept {
    const std::size_t keep = kSizeClassInfo[size_class].bin_capacity / 2;
    void** const kept = bin.top - keep;
    put_back(bin.bottom, kept);
    bin.bottom = stacks_.data() + kStackOffsets[size_class];
    std::memmove(bin.bottom, kept, keep * sizeof *kept);
    bin.top = bin.bottom + keep;
  }

  /// Hands the bins to the owner's thread-local state, and back when it ends.
  void load_bins(std::array<Bin, kSizeClasses>& bins) const noexcept { bins = bins_; }
  void store_bins(const std::array<Bin, kSizeClasses>& bins) noexcept { bins_ = bins; }

  /// One object by way of the stored bins, for a thread that holds the heap for this one call; nullptr when memory is out.
  void* allocate_one(unsigned size_class) noexcept {
    Bin& bin = bins_[size_class];
    if (bin.top == bin.bottom && !refill(bin, size_class)) return nullptr;
    return *--bin.top;
  }

  const Reservation& main_reservation() const noexcept { return source_.main_reservation(); }

  /// Whether all structures of a heap agree, when its bins are stored.
  bool is_valid() const noexcept {
    bool valid = source_.is_valid();
    for (const PartialSlabs& partial : partial_) valid = valid && partial.is_valid();
    for (const Bin& bin : bins_) valid = valid && bin.is_valid();
    source_.for_each_slab([&](const Slab& slab) { valid = valid && slab.is_valid(); });
    return valid;
  }

  std::atomic<ThreadHeap*> next_parked{nullptr};  ///< HeapRegistry's

 private:
  // A refill looks at no more slabs than this, and takes no more objects from the inbox: no call does unbounded work.
  static constexpr unsigned kMostVisits = 8;
  static constexpr std::size_t kMostCollected = 512;

  static constexpr auto kStackOffsets = [] {
    std::array<std::size_t, kSizeClasses + 1> offsets{};
    for (unsigned c = 0; c != kSizeClasses; ++c) offsets[c + 1] = offsets[c] + kSizeClassInfo[c].bin_capacity;
    return offsets;
  }();

  explicit ThreadHeap(const SlabSource& source) noexcept : source_(source) {
    source_.set_owner(this);
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      void** const begin = stacks_.data() + kStackOffsets[c];
      bins_[c] = {begin, begin, begin + kSizeClassInfo[c].bin_capacity};
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
  std::array<Bin, kSizeClasses> bins_;  ///< while no thread has loaded them
  std::array<void*, kStackOffsets[kSizeClasses]> stacks_;  ///< the bins' memory, touched only as needed
};

static_assert(sizeof(ThreadHeap) <= SlabSource::kHeapUnits * kUnitBytes);

}  // namespace flux::detail
