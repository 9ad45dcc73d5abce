#pragma once

#include <atomic>
#include <cstddef>
#include <type_traits>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Checks.hpp>
#include <flux/detail/heap/LocalBins.hpp>
#include <flux/detail/heap/Outbox.hpp>
#include <flux/detail/heap/ParkedHeaps.hpp>
#include <flux/detail/heap/ThreadEnd.hpp>
#include <flux/detail/heap/ThreadNumber.hpp>
#include <flux/detail/heap/Trim.hpp>

namespace flux::inline FLUX_ABI::detail {

// The heap that a thread owns in a domain, for the thread's end, which knows no domains.
struct OwnedHeap {
  ThreadHeap* heap;
  Bins** bins;  ///< the domain's local_bins
  ParkedHeaps* parked;
  OwnedHeap* next;
};

// What a thread has once, whatever its domains.
//
// States: fresh, armed (ThreadEnd will end it), ended (every operation goes through the slow paths and leaves
// nothing behind in the thread).
//
//   owned_: one for each domain in which the thread owns a heap; only while the thread is armed, but for heaps that
//   were taken over
//   outbox_ knows no heap that the thread owns, and no owner at all unless the thread is armed
//   the open run in the bins of a heap is of another heap; an ended thread has none
//   thread_number != kNoThreadNumber  =>  the thread is armed
class LocalThread {
 public:
  /// Whether something may be kept for the thread until it ends. A thread that cannot be told of its end counts
  /// as ended.
  bool arm() noexcept {
    if (phase_ == Phase::kFresh) phase_ = ThreadEnd<end_mine>::call(this) ? Phase::kArmed : Phase::kEnded;
    return phase_ == Phase::kArmed;
  }

  /// Has what threads are told of their end by.
  static void make_ready() noexcept { ThreadEnd<end_mine>::call(nullptr); }

  /// Whether the thread has a number, from here on until it ends. Not while 64 others have one.
  bool take_number() noexcept {
    if (thread_number == kNoThreadNumber && arm()) thread_number = thread_numbers.take();
    return thread_number != kNoThreadNumber;
  }

  /// From here on the heap is the thread's: what it frees of its objects need not be sent.
  void have(OwnedHeap& owned) noexcept {
    outbox_.close();
    owned.next = owned_;
    owned_ = &owned;
    owned.heap->owner_outbox.set(&outbox_);
    *owned.bins = owned.heap->bins();
  }

  /// In the child of a fork: goes on without a heap that was lost.
  void lose(OwnedHeap& lost) noexcept {
    end_run(*lost.heap->bins());
    outbox_.close();
    OwnedHeap** link = &owned_;
    while (*link != &lost) link = &(*link)->next;
    *link = lost.next;
    leave(lost);
  }

  Outbox& outbox() noexcept { return outbox_; }
  const Outbox& outbox() const noexcept { return outbox_; }

  // What the thread frees of other heaps. The bins are those of its heap in the objects' domain.

  /// Frees an object that lies beside the open run; false, with nothing done, for another.
  [[gnu::always_inline]] bool try_deallocate(void* object, unsigned size_class, Bins& bins) noexcept {
    const OpenRun::Added added = bins.open_run.add(object, size_class);
    if (added == OpenRun::Added::kNot) return false;
    if (bins.open_run.is_full(size_class)) post_run(bins, added);
    return true;
  }

  /// Frees one that does not; false, with nothing done, where there is no chain for the owner: the thread may own no heap in
  /// the domain then. No call but the last of all: where objects lie apart, what a function saves to the stack waits behind the
  /// carriers' lines.
  [[gnu::always_inline]] bool try_deallocate(ThreadHeap* owner, void* object, unsigned size_class,
                                             Bins& bins) noexcept {
    OwnerChain* const entry = outbox_.find(owner);
    if (entry == nullptr) return false;
    if (bins.open_run.is_none()) [[likely]] {
      add(*entry, object, size_class, bins);
    } else {
      deallocate(owner, object, size_class, bins);
    }
    return true;
  }

  /// The same in any case.
  [[gnu::noinline]] void deallocate(ThreadHeap* owner, void* object, unsigned size_class,
                                    Bins& bins) noexcept {
    end_run(bins);
    add(outbox_.entry_of(owner), object, size_class, bins);
  }

  /// Sends the open run on its way.
  void end_run(Bins& bins) noexcept {
    if (bins.open_run.is_none()) return;
    ThreadHeap* const owner = bins.open_run.owner();
    const ObjectRun run = bins.open_run.take();
    if (run.is_none()) return;
    bins.freed_elsewhere[run.size_class()] += run.count();
    outbox_.add(owner, run, run.size_class());
  }

  /// Posts all that the thread has of other heaps.
  void flush() noexcept {
    for (OwnedHeap* owned = owned_; owned != nullptr; owned = owned->next) end_run(*owned->heap->bins());
    outbox_.flush();
  }

  bool owns(const ThreadHeap& heap) const noexcept {
    for (const OwnedHeap* owned = owned_; owned != nullptr; owned = owned->next)
      if (owned->heap == &heap) return true;
    return false;
  }

  /// Gives back what it can of all heaps; returns the bytes.
  std::size_t trim() noexcept {
    flush();
    outbox_.set_may_help(true);
    return trim_all([this](const ThreadHeap& heap) { return owns(heap); });
  }

 private:
  [[gnu::always_inline]] void add(OwnerChain& entry, void* object, unsigned size_class, Bins& bins) noexcept {
    if (entry.chain.ends_beside(object, size_class)) [[unlikely]]
      return add_beside(entry, object, size_class, bins);
    bins.freed_elsewhere[size_class] += 1;
    outbox_.add(entry, ObjectRun(object, size_class), 1, size_class);
  }

  /// Where three objects lie beside each other, more will: they become the open run. Where objects of other owners keep coming between,
  /// that ends at once, and from then on their word in the chain grows instead.
  [[gnu::noinline]] void add_beside(OwnerChain& entry, void* object, unsigned size_class,
                                    Bins& bins) noexcept {
    if (entry.chain.grow(object, size_class)) {
      bins.freed_elsewhere[size_class] += 1;
      return outbox_.post_if_full(entry);
    }
    const ObjectRun run = entry.chain.take_last(size_class);
    bins.freed_elsewhere[size_class] -= run.count();
    bins.open_run.open(entry.owner, run);
    const OpenRun::Added added = bins.open_run.add(object, size_class);
    if (bins.open_run.is_full(size_class)) post_run(bins, added);
  }

  /// Posts the open run, which an object that was added last has filled.
  [[gnu::noinline]] void post_run(Bins& bins, OpenRun::Added last) noexcept {
    ThreadHeap* const owner = bins.open_run.owner();
    const ObjectRun run = bins.open_run.take_and_go_on(last);
    bins.freed_elsewhere[run.size_class()] += run.count();
    outbox_.post(owner, run, run.size_class());
  }

  enum class Phase : unsigned char { kFresh, kArmed, kEnded };

  /// The thread ends: what it has on the way goes home, and its heaps and its number wait for other threads.
  void end() noexcept {
    flush();
    outbox_.close();
    outbox_.set_may_help(true);
    phase_ = Phase::kEnded;
    while (owned_ != nullptr) {
      OwnedHeap& owned = *owned_;
      ThreadHeap* const heap = owned.heap;
      owned_ = owned.next;
      leave(owned);
      if (!heap->is_lost()) owned.parked->park(heap);
    }
    if (thread_number == kNoThreadNumber) return;
    thread_numbers.give_back(thread_number);
    thread_number = kNoThreadNumber;
  }

  static void leave(OwnedHeap& owned) noexcept {
    *owned.bins = &no_bins;
    owned.heap->owner_outbox.set(nullptr);
    // relaxed: only this thread compares it with its own thread pointer; from here on it is nobody's.
    owned.heap->bins()->thread.store(0, std::memory_order_relaxed);
    owned.heap = nullptr;
  }
  static void end_mine(void* local) noexcept { static_cast<LocalThread*>(local)->end(); }

  OwnedHeap* owned_ = nullptr;
  Phase phase_ = Phase::kFresh;
  Outbox outbox_;
};

inline constinit thread_local LocalThread local_thread;

static_assert(std::is_trivially_destructible_v<LocalThread>);

#if FLUX_WINDOWS
// Thread-local storage goes by a key as well there, and keys have their turn in the order in which they were made: this one is
// made before any other code of the program runs.
[[gnu::constructor(101)]] inline void make_local_thread_ready() { LocalThread::make_ready(); }
#endif

}  // namespace flux::inline FLUX_ABI::detail
