#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>

#include <flux/detail/heap/Bins.hpp>
#include <flux/detail/heap/HeapLock.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/slab/HomeSlabs.hpp>

namespace flux::detail {

// The regions, slabs and free objects of one thread. Lives in its own first region and is never destroyed:
// when its thread ends it is parked, with everything in it, and a later thread adopts it.
//
//   objects of all slabs == at home (set bits) + in the owner's bins + in chains + live
//   a chain is in the inbox, in pending_, or still being filled by another thread
//
// States: owned by one thread, which alone calls what is not said to be for any thread; or parked, without an
// owner. The bins are the owner's, or belong to whoever holds the lock of a parked heap; the slabs and pending_
// belong to whoever holds the lock.
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
  /// out. Before it gives up it brings home all that the heap can reach.
  bool refill(unsigned size_class) noexcept {
    const HeapLockGuard guard(lock_);
    collect();
    if (!take(size_class)) {
      bring_all_home();
      if (!take(size_class)) return false;
    }
    spilled_[size_class] = 0;
    keep_limit();
    return true;
  }

  /// Brings the colder part of a full bin home and moves the rest down. The bin's level is 0: it has no place
  /// left.
  ///
  /// A bin keeps half. One that only spills, because a large container is being cleared, soon works in an
  /// eighth of its memory, or 8 places: what stays behind in a bin is in the order it was freed in, and the
  /// next fill would begin with it. Objects that lie scattered cost several times those that lie together:
  /// a call brings home no more than some runs of them, so that none takes much longer than the others.
  void spill(unsigned size_class) noexcept {
    const HeapLockGuard guard(lock_);
    const std::ptrdiff_t full = Bins::capacity(size_class);
    const std::ptrdiff_t small = std::max(full / 8, std::ptrdiff_t{8});
    const std::ptrdiff_t capacity = spilled_[size_class] < full ? full : small;
    void** const end = own_.bins.stack_end(size_class);
    Bin& bin = own_.bins.bins[size_class];
    void** const coldest = end + bin.bottom;
    void** const kept = home_.put(coldest, end - capacity / 2, -bin.bottom > small ? kMostRuns : kFewRuns);
    spilled_[size_class] += kept - coldest;
    const std::ptrdiff_t room = std::min(kept - coldest, capacity / 2);
    std::memmove(kept - room, kept, static_cast<std::size_t>(end - kept) * sizeof *end);
    bin = {-room, kept - room - end};
    keep_limit();
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

  /// Sees to it that `count` objects of the class are free here, in memory that is resident and stays the
  /// class's until end_reserve; false, with nothing reserved, when memory is out.
  bool reserve(unsigned size_class, std::size_t count) noexcept {
    const HeapLockGuard guard(lock_);
    collect_all();
    empty_bin(size_class);
    void** const end = own_.bins.stack_end(size_class);
    const bool is_done = populate(end - Bins::capacity(size_class), end) && home_.reserve(size_class, count);
    home_.source().discard_above(retention_limit.get(), ~0u);
    return is_done;
  }

  /// The caller owns a heap that was parked; or parks it, which ends what it reserved.
  void own() noexcept {
    const HeapLockGuard guard(lock_);
    is_owned_ = true;
  }
  void disown() noexcept {
    const HeapLockGuard guard(lock_);
    home_.end_reserve();
    is_owned_ = false;
  }

  /// Gives back all memory that holds no live object, but for what lies in the bins and in what is reserved
  /// when another thread owns the heap; returns the bytes. Any thread: `is_mine` says whether the caller owns
  /// the heap. Leaves alone a heap that its owner is at work on.
  std::size_t trim(bool is_mine) noexcept {
    std::size_t bytes = 0;
    for (bool is_done = false; !is_done && lock_to_trim(is_mine); lock_.unlock()) {
      SlabSource& source = home_.source();
      if (is_mine || !is_owned_) {
        home_.end_reserve();
        bring_all_home();
        is_done = true;
      } else {  // a piece at a time: the owner may want to go on
        collect();
        const std::size_t given = source.discard_above(0, kMostDiscards);
        bytes += given;
        is_done = given == 0 && pending_ == nullptr;
      }
      if (is_done) bytes += source.discard_all();
    }
    return bytes;
  }

  /// Free memory that has not gone back to the system, bytes. Whoever may take the lock.
  std::size_t retained_bytes() noexcept {
    const HeapLockGuard guard(lock_);
    return home_.source().retained_bytes();
  }

  /// What the owner's fast paths work on.
  Bins* bins() noexcept { return &own_.bins; }

  /// Whether all structures of a heap agree, with nothing in progress.
  bool is_valid() const noexcept { return home_.is_valid() && own_.bins.is_valid(); }

  // HeapRegistry's.
  std::atomic<ThreadHeap*> next_parked{nullptr};
  ThreadHeap* next_made = nullptr;
  std::size_t parked_bytes = 0;

 private:
  // A refill goes on to no further carrier of the inbox when it has this many objects, and a slow call makes no
  // more calls to the system to give memory back: no call does unbounded work.
  static constexpr std::size_t kMostCollected = 512;
  static constexpr unsigned kMostDiscards = 2;
  // What a spill may do: where it is one of many, and where a full bin begins to shrink.
  static constexpr unsigned kFewRuns = 40;
  static constexpr unsigned kMostRuns = 256;
  static constexpr unsigned kMostAttempts = 1000;

  explicit ThreadHeap(const SlabSource& source) noexcept : home_(source) {
    home_.source().set_owner(this);
    own_.bins.main_begin = reinterpret_cast<std::uintptr_t>(source.main_reservation().begin);
    own_.bins.main_bytes = source.main_reservation().bytes;
    for (unsigned c = 0; c != kSizeClasses; ++c) own_.bins.bins[c] = {-Bins::capacity(c), -Bins::capacity(c)};
  }

  bool take(unsigned size_class) noexcept {
    void** const end = own_.bins.stack_end(size_class);
    void** const limit = end - Bins::capacity(size_class);
    void** const high = limit + kSizeClassInfo[size_class].bin_refill;
    void** const low = home_.take(size_class, limit, high);
    own_.bins.bins[size_class] = {high - end, low - end};
    return low != high;
  }

  void empty_bin(unsigned size_class) noexcept {
    Bin& bin = own_.bins.bins[size_class];
    void** const end = own_.bins.stack_end(size_class);
    home_.put(end + bin.bottom, end + bin.level);
    bin = {-Bins::capacity(size_class), -Bins::capacity(size_class)};
  }

  /// Empties the inbox and every bin, so that slabs of other classes become unused. Not bounded.
  [[gnu::noinline]] void bring_all_home() noexcept {
    collect_all();
    for (unsigned c = 0; c != kSizeClasses; ++c) empty_bin(c);
  }

  void collect_all() noexcept {
    do collect();
    while (pending_ != nullptr);
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
    home_.put(objects.data(), end);
  }

  /// Keeps the retention limit, a bounded piece at a time.
  void keep_limit() noexcept {
    SlabSource& source = home_.source();
    if (source.retained_bytes() > retention_limit.get())
      source.discard_above(retention_limit.get(), kMostDiscards);
  }

  /// Makes the pages of a range in this heap resident.
  static bool populate(void* first, void* last) noexcept {
    constexpr std::uintptr_t kPageBytes = 4096;
    auto* const begin =
        reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(first) & ~(kPageBytes - 1));
    return page_source.populate(begin, static_cast<std::size_t>(static_cast<std::byte*>(last) - begin));
  }

  bool lock_to_trim(bool is_mine) noexcept {
    if (!is_mine) return lock_unless_busy();
    lock_.lock();
    return true;
  }

  bool lock_unless_busy() noexcept {
    for (unsigned attempt = 0; attempt != kMostAttempts; ++attempt) {
      if (lock_.try_lock()) return true;
      ::sched_yield();
    }
    return false;
  }

  alignas(128) Inbox inbox_;  // other threads write it: no line shared with what the owner uses
  alignas(128) HeapLock lock_;
  bool is_owned_ = true;
  Carrier* pending_ = nullptr;
  HomeSlabs home_;
  std::array<std::ptrdiff_t, kSizeClasses> spilled_{};  ///< objects each bin spilled since its last refill
  alignas(64) BinsAndStacks own_;
};

static_assert(sizeof(ThreadHeap) <= SlabSource::kHeapUnits * kUnitBytes);

}  // namespace flux::detail
