#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/base/Trace.hpp>
#include <flux/detail/heap/Arrivals.hpp>
#include <flux/detail/heap/Attendance.hpp>
#include <flux/detail/heap/DomainInfo.hpp>
#include <flux/detail/heap/HeapBins.hpp>
#include <flux/detail/heap/HeapLock.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/heap/OwnerOutbox.hpp>
#include <flux/detail/heap/ParkedBytes.hpp>
#include <flux/detail/slab/HomeSlabs.hpp>

namespace flux::inline FLUX_ABI::detail {

// The regions, slabs and free objects of one thread. Lives in its own first region and is never destroyed:
// when its thread ends it is parked, with everything in it, and a later thread adopts it.
//
//   objects of all slabs == at home (set bits) + in the owner's bins + in chains and runs + live
//   a chain or a run is in the inbox, in arrivals_, or still being filled by another thread
//
// States: owned by one thread, which alone calls what is not said to be for any thread; parked, without an owner;
// or lost, in the child of a fork, and out of use. The bins are the owner's, or belong to whoever holds the lock of
// a parked heap; the slabs and arrivals_ belong to whoever holds the lock.
class ThreadHeap {
 public:
  /// A heap with its first region, owned by the caller; nullptr, with nothing kept, when memory is out.
  static ThreadHeap* create(const DomainInfo& domain) noexcept {
    SlabSource source;
    if (!source.open_first()) return nullptr;
    return ::new (source.take_heap_units()) ThreadHeap(source, domain);
  }

  /// The heap that an object belongs to. Any thread.
  static ThreadHeap* owner_of(const void* object) noexcept {
    const Region* region = Region::of(object);
    if (region->magic != Region::kMagic) [[unlikely]]
      die("an address that flux never handed out, or only to units with other settings", object);
    return region->owner;
  }

  /// Any thread: sends home a chain of this heap's objects, or, where the inbox has a place, a run by itself. To be followed by
  /// note_post.
  void post_remote(Carrier* first, Carrier* last) noexcept { inbox_.post_remote(first, last); }
  bool try_post_remote(ObjectRun run, std::size_t turn) noexcept { return inbox_.try_post_remote(run, turn); }

  /// Any thread, after a post: whether the owner attends to the heap; if not, somebody should help, which can wait for some posts where each
  /// `is_short`.
  bool note_post(bool is_short) noexcept { return attendance_.note_post(slow_calls_, is_short); }

  /// Any thread, for an owner that does not attend to the heap and has reserved nothing: takes home what was
  /// posted, a bounded part of it, and keeps the heap's limit. What is posted while another thread holds the lock
  /// may wait for the next post.
  void help() noexcept {
    for (unsigned round = 0; round != kMostRounds && lock_from_outside(); ++round) {
      attendance_.end();
      collect();
      if (!is_owned_) claim_share();
      home_.source().keep_limit(is_owned_ ? retention_limit() : share_.bytes(), kMostDiscardsForOthers);
      const bool is_done = arrivals_.is_empty();
      lock_.unlock();
      if (is_done && inbox_.is_empty()) return;
    }
  }

  /// Fills an empty bin with objects of the class, so that pops come in address order; false when memory is
  /// out. Before it gives up it brings home all that the heap can reach.
  bool refill(unsigned size_class) noexcept {
    const HeapLockGuard guard(lock_);
    note_slow_call();
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
    note_slow_call();
    const bool is_scattered = !bins_.spill(size_class, home_);
    if (tidy(size_class) && is_scattered) bins_.shrink(size_class);
  }

  /// The slow twins of the fast paths: an object of the class, or nullptr when memory is out; and one back.
  void* pop(unsigned size_class) noexcept {
    if (bins()->is_empty(size_class) && !refill(size_class)) return nullptr;
    void* const object = bins()->pop(size_class);
    if (Valgrind::is_there()) bins()->forget_popped(size_class);
    return object;
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
    home_.source().keep_limit(retention_limit(), SlabSource::kAllDiscards);
    return is_done;
  }

  /// The caller owns a heap that was parked; false when another thread keeps it locked for longer.
  bool try_own() noexcept {
    Wait wait;
    for (unsigned attempt = 0; !lock_.try_lock(); ++attempt, wait.once())
      if (attempt == kFewAttempts || is_lost_) return false;
    share_.give_up(*domain_->parked_bytes);
    is_owned_ = true;
    attendance_.begin();
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
    attendance_.end();
    claim_share();
    if (home_.source().retained_bytes() > share_.bytes()) home_.source().spare_no_block();
    home_.source().keep_limit(share_.bytes(), SlabSource::kAllDiscards);
  }

  /// Gives back all memory that holds no live object, but for what lies in the bins and in what is reserved
  /// when another thread owns the heap; returns the bytes. Any thread: `is_mine` says whether the caller owns
  /// the heap. Leaves alone a heap that its owner is at work on, or has reserved memory in.
  std::size_t trim(bool is_mine) noexcept {
    std::size_t bytes = 0;
    unsigned pieces = 0;
    for (bool is_done = false; !is_done && lock_slabs(is_mine); unlock_slabs()) {
      SlabSource& source = home_.source();
      if (is_mine || !is_owned_) {
        end_reserve();
        bring_all_home();
        share_.give_up(*domain_->parked_bytes);
        is_done = true;
      } else {  // a piece at a time: the owner may want to go on
        collect();
        source.spare_no_block();
        bytes += source.discard_above(0, SlabSource::kMostDiscards);
        is_done = ++pieces == kMostPieces || (arrivals_.is_empty() && source.retained_bytes() == 0);
      }
      if (is_done && pieces != kMostPieces) bytes += source.discard_all();
    }
    if constexpr (FLUX_TRACE)
      if (bytes != 0) trace(TraceEvent::kTrim, this, 0, bytes);
    return bytes;
  }

  /// Keeps all others from the slabs until unlock_slabs; false where trim leaves the heap alone. Any thread: `is_mine` as there.
  bool lock_slabs(bool is_mine) noexcept {
    if (is_lost_) return false;
    if (!is_mine) return lock_unless_busy();
    lock_.lock();
    return true;
  }
  void unlock_slabs() noexcept { lock_.unlock(); }

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
  std::uint64_t chains_posted() const noexcept { return attendance_.posts(); }
  std::uint64_t chains_collected() const noexcept { return arrivals_.chains(); }
  /// Objects of the class that came home through the inbox, from the beginning on.
  std::size_t collected(unsigned size_class) const noexcept { return collected_[size_class]; }
  const HomeSlabs& home() const noexcept { return home_; }
  const HeapBins& heap_bins() const noexcept { return bins_; }

  /// Calls `visit(void*)` for each free object that is not home, but in a bin or on its way in from another thread.
  /// While no thread is at work with the heap.
  template <class Visit>
  void for_each_free(Visit visit) const {
    for (unsigned c = 0; c != kSizeClasses; ++c) bins_.for_each(c, visit);
    for_each_in(arrivals_.peek(), visit);
    for_each_in(inbox_.peek(), visit);
    inbox_.peek_runs([visit](ObjectRun run) { run.for_each(visit); });
  }

  /// The same for carriers, from `first` on, whose chains are posted.
  template <class Visit>
  static void for_each_in(Carrier* first, Visit visit) {
    for (Carrier* carrier = first; carrier != nullptr; carrier = carrier->following())
      carrier->for_each_run(Carrier::carried_by(Region::slab_of(carrier).stride),
                            [visit](ObjectRun run) { run.for_each(visit); });
  }

  /// Whether all structures of a heap agree, with nothing in progress.
  bool is_valid() const noexcept { return home_.is_valid() && bins_.is_valid(); }

  // Of LocalThread, ParkedHeaps and HeapList.
  std::atomic<ThreadHeap*> next_parked{nullptr};
  ThreadHeap* next_made = nullptr;
  OwnerOutbox owner_outbox;

 private:
  // Who helps with a chain may find the last object of a slab in each of its 64.
  static constexpr unsigned kMostDiscardsForOthers = 64;
  static constexpr unsigned kMostRounds = 4;
  static constexpr unsigned kMostAttempts = 1000;
  static constexpr int kMostMilliseconds = 20;  // as long, for one lock; forks wait for those who wait here
  static constexpr unsigned kFewAttempts = 64;
  static constexpr unsigned kMostPieces = 4096;  // of a trim, while the owner works on

  ThreadHeap(const SlabSource& source, const DomainInfo& domain) noexcept : domain_(&domain), home_(source) {
    home_.source().set_owner(this);
    bins()->main_begin = reinterpret_cast<std::uintptr_t>(source.main_reservation().begin);
    bins()->main_bytes = source.main_reservation().bytes;
  }

  void note_slow_call() noexcept {
    slow_calls_ += 1;
    attendance_.begin();
  }

  /// What the owner's slow calls do besides, so that memory is used for what is needed now. Not within what is
  /// reserved: no call to the system there. Whether memory went back.
  bool tidy(unsigned size_class) noexcept {
    if (home_.is_within_reserve(size_class)) return false;
    bins_.sweep(size_class, home_);
    return home_.source().keep_limit(retention_limit(), SlabSource::kMostDiscards);
  }

  /// Empties the inbox and every bin, so that slabs of other classes become unused. Not bounded.
  [[gnu::noinline]] void bring_all_home() noexcept {
    collect_all();
    bins_.empty_all(home_);
  }

  /// What an earlier call left waiting, and then what has come since.
  void collect_all() noexcept {
    while (!arrivals_.is_empty()) collect();
    do collect();
    while (!arrivals_.is_empty());
  }

  /// Takes what other threads sent home, a bounded part at a time.
  void collect() noexcept {
    if (arrivals_.is_empty() && inbox_.is_empty()) return;
    std::size_t objects = 0;
    const auto came = [this, &objects](unsigned size_class, std::size_t count) {
      collected_[size_class] += count;
      objects += count;
    };
    arrivals_.take(inbox_, home_.source(), domain_->name,
                   [this, came](ObjectRun* first, ObjectRun* last) { home_.put(first, last, came); });
    if constexpr (FLUX_TRACE) trace(TraceEvent::kCollect, this, 0, objects);
  }

  std::size_t retention_limit() const noexcept { return domain_->retention_limit->get(); }
  void claim_share() noexcept {
    share_.claim(*domain_->parked_bytes, home_.source().retained_bytes(), retention_limit());
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
  Attendance attendance_;

  alignas(128) HeapLock lock_;
  const DomainInfo* domain_;
  Count<bool> is_owned_ = true;
  bool is_lost_ = false;
  Count<std::uint64_t> slow_calls_ = 0;  ///< of owners
  std::atomic<bool> reserved_{false};    ///< by the owner
  ParkedShare share_;
  Arrivals arrivals_;
  std::array<Count<std::size_t>, kSizeClasses> collected_{};
  HomeSlabs home_;
  HeapBins bins_;  // last: its stacks are touched only as needed
};

static_assert(sizeof(ThreadHeap) <= SlabSource::kHeapUnits * kUnitBytes);
// Other copies of flux in the process work on these: when their layout changes, FLUX_LAYOUT has to, so that copies of another
// layout are told apart. Only a change of size is noticed here: these figures and FLUX_LAYOUT
// change together.
static_assert(FLUX_LAYOUT == 7);
static_assert(sizeof(void*) != 8 || sizeof(ThreadHeap) == 366'848);
static_assert(sizeof(void*) != 8 || sizeof(Region) == (FLUX_CHECKED ? 754'048 : 295'296));
static_assert(sizeof(void*) != 8 || sizeof(DomainInfo) == 1'152);
static_assert(sizeof(void*) != 8 || (sizeof(Setting) == 64 && sizeof(ParkedBytes) == 8));

}  // namespace flux::inline FLUX_ABI::detail
