#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/DomainInfo.hpp>
#include <flux/detail/heap/HeapBins.hpp>
#include <flux/detail/heap/HeapLock.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/heap/ParkedBytes.hpp>
#include <flux/detail/slab/HomeSlabs.hpp>

namespace flux::detail {

class Outbox;

// The regions, slabs and free objects of one thread. Lives in its own first region and is never destroyed:
// when its thread ends it is parked, with everything in it, and a later thread adopts it.
//
//   objects of all slabs == at home (set bits) + in the owner's bins + in chains + live
//   a chain is in the inbox, in pending_, or still being filled by another thread
//
// States: owned by one thread, which alone calls what is not said to be for any thread; parked, without an owner;
// or lost, in the child of a fork, and out of use. The bins are the owner's, or belong to whoever holds the lock of
// a parked heap; the slabs and pending_ belong to whoever holds the lock.
//
// An owned heap is attended while its owner makes slow calls, in which it takes home what others freed. While
// the owner sleeps, and while the heap is parked, those who post do it.
//
//   attended_ is false for a parked heap, and for an owned one from a call of help to the owner's next slow call
class ThreadHeap {
 public:
  /// A heap with its first region, owned by the caller; nullptr, with nothing kept, when memory is out.
  static ThreadHeap* create(const DomainInfo& domain = domain_info<>) noexcept {
    SlabSource source;
    if (!source.open_first()) return nullptr;
    return ::new (source.take_heap_units()) ThreadHeap(source, domain);
  }

  /// The heap that an object belongs to. Any thread.
  static ThreadHeap* owner_of(const void* object) noexcept {
    const Region* region = Region::of(object);
    if (region->magic != Region::kMagic) [[unlikely]]
      die("free of an address that flux never handed out");
    return region->owner;
  }

  /// Any thread: sends home a run of carriers of this heap's objects. Whether somebody should help then.
  bool post_remote(Carrier* first, Carrier* last) noexcept {
    inbox_.post_remote(first, last);
    return !is_attended();
  }

  /// Any thread, for an owner that does not attend to the heap and has reserved nothing: takes home what was
  /// posted, a bounded part of it, and keeps the heap's limit. What is posted while another thread holds the lock
  /// may wait for the next post.
  void help() noexcept {
    for (unsigned round = 0; round != kMostRounds && lock_from_outside(); ++round) {
      // relaxed, here and below: a hint to those who post; what they do for it, they do under the lock.
      attended_.store(false, std::memory_order_relaxed);
      collect();
      if (!is_owned_) claim_share();
      keep_limit(is_owned_ ? retention_limit.get() : share_, kMostDiscardsForOthers);
      const bool is_done = pending_ == nullptr;
      lock_.unlock();
      if (is_done && inbox_.is_empty()) return;
    }
  }

  /// Fills an empty bin with objects of the class, so that pops come in address order; false when memory is
  /// out. Before it gives up it brings home all that the heap can reach.
  bool refill(unsigned size_class) noexcept {
    const HeapLockGuard guard(lock_);
    attend();
    collect();
    if (!bins_.refill(size_class, home_)) {
      bring_all_home();
      if (!bins_.refill(size_class, home_)) return false;
    }
    tidy(size_class);
    return true;
  }

  /// Makes room in a full bin. Where objects lie scattered, and memory goes back, each object that is kept may
  /// be the last of its slab.
  void spill(unsigned size_class) noexcept {
    const HeapLockGuard guard(lock_);
    attend();
    const bool is_scattered = !bins_.spill(size_class, home_);
    if (tidy(size_class) && is_scattered) bins_.shrink(size_class);
  }

  /// The slow twins of the fast paths: an object of the class, or nullptr when memory is out; and one back.
  void* pop(unsigned size_class) noexcept {
    if (bins()->is_empty(size_class) && !refill(size_class)) return nullptr;
    return bins()->pop(size_class);
  }
  void push(void* object, unsigned size_class) noexcept {
    if (bins()->push(size_class, object)) spill(size_class);
  }

  /// Sees to it that `count` objects of the class are free here, in memory that is resident and stays the
  /// class's until end_reserve; false, with nothing reserved, when memory is out.
  bool reserve(unsigned size_class, std::size_t count) noexcept {
    const HeapLockGuard guard(lock_);
    collect_all();
    bins_.empty(size_class, home_);
    const bool is_done = bins_.populate(size_class) && home_.reserve(size_class, count);
    // relaxed: for others to see soon.
    if (is_done) reserved_.store(true, std::memory_order_relaxed);
    keep_limit(retention_limit.get(), kAllDiscards);
    return is_done;
  }

  /// The caller owns a heap that was parked; false when another thread keeps it locked for longer.
  bool try_own() noexcept {
    Wait wait;
    for (unsigned attempt = 0; !lock_.try_lock(); ++attempt, wait.once())
      if (attempt == kFewAttempts || is_lost_) return false;
    give_up_share();
    is_owned_ = true;
    attended_.store(true, std::memory_order_relaxed);
    lock_.unlock();
    return true;
  }

  /// In the child of a fork: gives up a heap that another thread was at work on, which is not here to end it. Its
  /// objects stay as they are, and what is freed of them stays away.
  void lose_if_locked() noexcept { is_lost_ = is_lost_ || lock_.is_taken_from_outside(); }
  bool is_lost() const noexcept { return is_lost_; }

  /// Parks the heap, which ends what it reserved, gives back what it may not retain, and empties its bins, unless it
  /// is so small that they cannot keep much from going back: the next small thread then begins with full ones.
  void disown() noexcept {
    const HeapLockGuard guard(lock_);
    end_reserve();
    if (!home_.source().is_within_a_block()) bring_all_home();
    is_owned_ = false;
    attended_.store(false, std::memory_order_relaxed);
    claim_share();
    if (home_.source().retained_bytes() > share_) home_.source().spare_no_block();
    keep_limit(share_, kAllDiscards);
  }

  /// Gives back all memory that holds no live object, but for what lies in the bins and in what is reserved
  /// when another thread owns the heap; returns the bytes. Any thread: `is_mine` says whether the caller owns
  /// the heap. Leaves alone a heap that its owner is at work on, or has reserved memory in.
  std::size_t trim(bool is_mine) noexcept {
    std::size_t bytes = 0;
    unsigned pieces = 0;
    for (bool is_done = false; !is_done && lock_to_trim(is_mine); lock_.unlock()) {
      SlabSource& source = home_.source();
      if (is_mine || !is_owned_) {
        end_reserve();
        bring_all_home();
        give_up_share();
        is_done = true;
      } else {  // a piece at a time: the owner may want to go on
        collect();
        source.spare_no_block();
        bytes += source.discard_above(0, kMostDiscards);
        is_done = ++pieces == kMostPieces || (pending_ == nullptr && source.retained_bytes() == 0);
      }
      if (is_done && pieces != kMostPieces) bytes += source.discard_all();
    }
    return bytes;
  }

  /// Free memory that has not gone back to the system, bytes. Whoever may take the lock.
  std::size_t retained_bytes() noexcept {
    const HeapLockGuard guard(lock_);
    return home_.source().retained_bytes();
  }

  /// What the owner's fast paths work on.
  Bins* bins() noexcept { return &bins_.bins(); }

  // Numbers for statistics. Any thread: each may be of another moment while the heap is at work.

  const DomainInfo& domain() const noexcept { return *domain_; }
  bool is_owned() const noexcept { return is_owned_; }
  std::uint64_t slow_calls() const noexcept { return slow_calls_; }
  /// relaxed: as the others.
  std::uint64_t chains_posted() const noexcept { return posts_.load(std::memory_order_relaxed); }
  std::uint64_t chains_collected() const noexcept { return chains_collected_; }
  /// Objects of the class that came home through the inbox, from the beginning on.
  std::size_t collected(unsigned size_class) const noexcept { return collected_[size_class]; }
  const HomeSlabs& home() const noexcept { return home_; }
  const HeapBins& heap_bins() const noexcept { return bins_; }

  /// The chains that the owner, the calling thread, is filling with objects of other heaps; nullptr while nobody owns
  /// the heap.
  void set_outbox(const Outbox* outbox) noexcept {
    outbox_ = outbox;
    thread_id_ = outbox == nullptr ? 0 : ::syscall(SYS_gettid);
  }
  /// nullptr also when the owner ended without being told (ThreadEnd): what it had lay in memory that is gone.
  const Outbox* outbox() const noexcept {
    if (outbox_ == nullptr) return nullptr;
    const KeepErrno keep;
    return ::syscall(SYS_tgkill, ::getpid(), thread_id_, 0) == 0 ? outbox_ : nullptr;
  }
  /// In the child of a fork: the only thread there was `forked`, by its number, before.
  void keep_outbox_of(long forked) noexcept { set_outbox(thread_id_ == forked ? outbox_ : nullptr); }

  /// Calls `visit(void*)` for each free object that is not home, but in a bin or on its way in from another thread.
  /// While no thread is at work with the heap.
  template <class Visit>
  void for_each_free(Visit visit) const {
    for (unsigned c = 0; c != kSizeClasses; ++c) bins_.for_each(c, visit);
    for_each_in(pending_, visit);
    for_each_in(inbox_.peek(), visit);
  }

  /// The same for a run of carriers, whose chains are posted.
  template <class Visit>
  static void for_each_in(Carrier* run, Visit visit) {
    for (Carrier* carrier = run; carrier != nullptr; carrier = carrier->following())
      carrier->for_each(Carrier::carried_by(Region::slab_of(carrier).stride), visit);
  }

  /// Whether all structures of a heap agree, with nothing in progress.
  bool is_valid() const noexcept { return home_.is_valid() && bins_.is_valid(); }

  // Those of ParkedHeaps and HeapList.
  std::atomic<ThreadHeap*> next_parked{nullptr};
  ThreadHeap* next_made = nullptr;

 private:
  // A call goes on to no further carrier of the inbox when it has this many objects, and makes no more calls to
  // the system to give memory back: none does unbounded work. Who helps with a chain may find the last object of
  // a slab in each of its 64.
  static constexpr std::size_t kMostCollected = 512;
  static constexpr unsigned kMostDiscards = 8;
  static constexpr unsigned kMostDiscardsForOthers = 64;
  static constexpr unsigned kAllDiscards = ~0u;
  static constexpr unsigned kMostRounds = 4;
  static constexpr unsigned kMostAttempts = 1000;
  static constexpr int kMostMilliseconds = 20;  // as long; forks wait for those who wait here
  static constexpr unsigned kFewAttempts = 64;
  static constexpr unsigned kMostPieces = 4096;   // of a trim, while the owner works on
  static constexpr std::uint32_t kPatience = 16;  // chains posted between two looks at the owner's slow calls

  ThreadHeap(const SlabSource& source, const DomainInfo& domain) noexcept : domain_(&domain), home_(source) {
    home_.source().set_owner(this);
    bins()->main_begin = reinterpret_cast<std::uintptr_t>(source.main_reservation().begin);
    bins()->main_bytes = source.main_reservation().bytes;
  }

  /// Any thread, after a post.
  bool is_attended() noexcept {
    // relaxed, all here: hints, and numbers by themselves.
    const std::uint64_t posts = posts_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (!attended_.load(std::memory_order_relaxed)) return false;
    if (posts % kPatience != 0) return true;
    const std::uint64_t calls = slow_calls_;
    const bool is_at_work = calls != slow_calls_seen_.load(std::memory_order_relaxed);
    slow_calls_seen_.store(calls, std::memory_order_relaxed);
    return is_at_work;
  }

  /// The owner is at work.
  void attend() noexcept {
    slow_calls_ += 1;
    // relaxed: as above.
    if (!attended_.load(std::memory_order_relaxed)) attended_.store(true, std::memory_order_relaxed);
  }

  /// What the owner's slow calls do besides, so that memory is used for what is needed now. Not within what is
  /// reserved: no call to the system there. Whether memory went back.
  bool tidy(unsigned size_class) noexcept {
    if (home_.is_within_reserve(size_class)) return false;
    bins_.sweep(size_class, home_);
    return keep_limit(retention_limit.get(), kMostDiscards);
  }

  /// Empties the inbox and every bin, so that slabs of other classes become unused. Not bounded.
  [[gnu::noinline]] void bring_all_home() noexcept {
    collect_all();
    bins_.empty_all(home_);
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
      pending_ = carrier->following();
      if (carrier->ends_chain()) chains_collected_ += 1;
      __builtin_prefetch(pending_);
      carrier->for_each(Carrier::carried_by(Region::slab_of(carrier).stride),
                        [&end](void* object) { *end++ = object; });
    }
    home_.put(objects.data(), end, HomeSlabs::kAllRuns,
              [this](unsigned size_class, std::size_t count) { collected_[size_class] += count; });
  }

  /// Of a parked heap: what it may retain grows to what it does, as far as there is room, and is never above the
  /// limit, which may have been lowered.
  void claim_share() noexcept {
    const std::size_t limit = retention_limit.get();
    const std::size_t retained = home_.source().retained_bytes();
    if (share_ > limit) {
      parked_bytes.give_back(share_ - limit);
      share_ = limit;
    } else if (retained > share_) {
      share_ += parked_bytes.claim(retained - share_, limit);
    }
  }
  void give_up_share() noexcept {
    parked_bytes.give_back(share_);
    share_ = 0;
  }

  /// Whether the owner must not find the lock taken: to wait would be a call to the system.
  bool is_reserved() const noexcept {
    // relaxed: as in reserve.
    return reserved_.load(std::memory_order_relaxed);
  }

  void end_reserve() noexcept {
    home_.end_reserve();
    reserved_.store(false, std::memory_order_relaxed);
  }

  /// Gives back what is retained above a limit, a bounded piece of it; whether any was.
  bool keep_limit(std::size_t limit, unsigned discards) noexcept {
    return home_.source().keep_limit(limit, discards);
  }

  bool lock_to_trim(bool is_mine) noexcept {
    if (is_lost_) return false;
    if (!is_mine) return lock_unless_busy();
    lock_.lock();
    return true;
  }

  bool lock_unless_busy() noexcept {
    Wait wait(kMostMilliseconds);
    for (unsigned attempt = 0; attempt != kMostAttempts && !is_reserved() && !wait.is_over(); ++attempt) {
      if (lock_from_outside()) return true;
      wait.once();
    }
    return false;
  }

  /// For work on another thread's heap.
  bool lock_from_outside() noexcept {
    if (is_reserved() || !lock_.try_lock_from_outside()) return false;
    if (!is_reserved()) return true;
    lock_.unlock();
    return false;
  }

  // Other threads write these: no line shared with what the owner uses.
  alignas(128) Inbox inbox_;
  std::atomic<bool> attended_{true};
  std::atomic<std::uint64_t> posts_{0};
  std::atomic<std::uint64_t> slow_calls_seen_{0};  ///< when they were looked at last

  alignas(128) HeapLock lock_;
  const DomainInfo* domain_;
  const Outbox* outbox_ = nullptr;
  long thread_id_ = 0;  ///< of the owner, while it has an outbox
  Count<bool> is_owned_ = true;
  bool is_lost_ = false;
  Count<std::uint64_t> slow_calls_ = 0;  ///< of owners
  std::atomic<bool> reserved_{false};    ///< by the owner
  std::size_t share_ = 0;                ///< of parked_bytes; 0 while owned
  Carrier* pending_ = nullptr;
  Count<std::uint64_t> chains_collected_ = 0;
  std::array<Count<std::size_t>, kSizeClasses> collected_{};
  HomeSlabs home_;
  HeapBins bins_;  // last: its stacks are touched only as needed
};

static_assert(sizeof(ThreadHeap) <= SlabSource::kHeapUnits * kUnitBytes);

}  // namespace flux::detail
