#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/LeakCheck.hpp>
#include <flux/detail/heap/LocalThread.hpp>

namespace flux::inline FLUX_ABI::detail {

/// The calling thread's bins of a domain as a caller found them, and where the domain has them.
struct FoundBins {
  Bins* bins;
  Bins** place;
};

// A thread's part in a domain, and what its slow paths do. One code for all domains: of code, each costs a program no more
// than the few instructions of SlowPaths.
//
//   the domain's local_bins != &no_bins  <=>  heap() != nullptr
class LocalHeap {
 public:
  constexpr LocalHeap(DomainInfo& domain, ParkedHeaps& parked) noexcept : domain_(domain), parked_(parked) {}

  /// Attempts until it succeeds, with the program's new_handler in between. Throws std::bad_alloc.
  template <class Try>
  static auto retry(Try attempt) {
    for (;;) {
      if (const auto success = attempt()) return success;
      const std::new_handler handler = std::get_new_handler();
      if (handler == nullptr) throw_bad_alloc();
      handler();
    }
  }

  /// Throws std::bad_alloc, when the program's new_handler does not help.
  [[gnu::noinline]] void* allocate(unsigned size_class, FoundBins found) {
    return retry([=, this] { return try_allocate(size_class, found); });
  }

  /// The same, but nullptr when memory is out, without a call of the program's new_handler.
  [[gnu::noinline]] inline void* try_allocate(unsigned size_class, FoundBins found) noexcept;

  [[gnu::noinline]] void spill(unsigned size_class, FoundBins found) noexcept {
    ThreadHeap* const full = Region::of(found.bins)->owner;  // not always the thread's own: see take_over
    if (!full->is_lost()) full->spill(size_class);
    take_over(found);
  }

  /// Frees an object of another heap where the thread has none, or does not know it.
  [[gnu::noinline]] inline void deallocate_first(ThreadHeap* owner, void* object, unsigned size_class,
                                                 FoundBins found) noexcept;

  /// What flux/Control.hpp offers.
  [[gnu::noinline]] void reserve(unsigned size_class, std::size_t count, FoundBins found) {
    retry([=, this] { return try_reserve(size_class, count, found); });
  }

  /// Sees to it that the heap is known which a thread at the same address left untold, and none that is lost.
  void take_over(FoundBins found) noexcept;

  /// The calling thread's heap, or nullptr while it has none.
  ThreadHeap* heap() const noexcept { return owned_.heap; }

 private:
  static constexpr std::uint32_t kMostFreedAlone = 64;

  bool try_reserve(unsigned size_class, std::size_t count, FoundBins found) noexcept;
  void* allocate_from(ThreadHeap* heap, unsigned size_class) noexcept;
  void* allocate_from_parked(unsigned size_class) noexcept;
  void* pop_from(ThreadHeap& heap, unsigned size_class) noexcept;
  ThreadHeap* create_heap() noexcept;
  bool take_heap(Bins** place) noexcept;
  void have(ThreadHeap* heap, Bins** place) noexcept;

  DomainInfo& domain_;
  ParkedHeaps& parked_;
  OwnedHeap owned_{};
  std::uint32_t freed_alone_ = 0;  ///< objects freed without a heap, since the thread last asked for one
};

static_assert(std::is_trivially_destructible_v<LocalHeap>);

template <class Domain = void>
inline constinit thread_local LocalHeap local_heap{domain_info<Domain>, parked_heaps<Domain>};

template <class Domain>
FoundBins find_bins() noexcept {
  return {current_bins<Domain>(), &local_bins<Domain>};
}

// The slow twins of the fast paths below, which say what bins they found: a program and its libraries share these
// functions, but not how they find bins.
template <class Domain>
struct SlowPaths {
  /// Throws std::bad_alloc.
  [[gnu::noinline]] static void* allocate(unsigned size_class, Bins* bins) {
    return local_heap<Domain>.allocate(size_class, {bins, &local_bins<Domain>});
  }
  [[gnu::noinline]] static void spill(unsigned size_class, Bins* bins) noexcept {
    local_heap<Domain>.spill(size_class, {bins, &local_bins<Domain>});
  }
  /// An object that is not in the bins' main piece.
  [[gnu::noinline]] static void deallocate(void* object, unsigned size_class, Bins* bins) noexcept {
    if (!local_thread.try_deallocate(object, size_class, *bins))
      return deallocate_apart(object, size_class, bins);
  }
  /// One that does not lie beside the last of another heap's either. A function of its own: what it saves and restores takes as long
  /// as all that the one above does.
  [[gnu::noinline]] static void deallocate_apart(void* object, unsigned size_class, Bins* bins) noexcept {
    ThreadHeap* const owner = ThreadHeap::owner_of(object);
    if (owner->bins() == bins) [[unlikely]] {  // its own, beyond the main piece
      if (bins->push(size_class, object)) return spill(size_class, bins);
      return;
    }
    if (!local_thread.try_deallocate(owner, object, size_class, *bins)) [[unlikely]]
      local_heap<Domain>.deallocate_first(owner, object, size_class, {bins, &local_bins<Domain>});
  }
};

/// In a checked build, of an object that was popped from the calling thread's bins.
template <class Domain>
[[gnu::noinline]] void watch_popped(void* object, unsigned size_class, std::size_t bytes,
                                    Bins* bins) noexcept {
  if (Valgrind::is_there()) [[unlikely]] {
    bins->forget_popped(size_class);
    watch_allocation<Domain>(object, size_class, bytes);
  } else {
    check_allocation<FLUX_ADDRESS_SANITIZER != 0>(object, size_class, bytes, domain_info<Domain>.name);
  }
}

/// In a checked build, of what free_own_whole leaves.
template <class Domain>
[[gnu::noinline]] void deallocate_watched(void* object, unsigned size_class, std::size_t bytes) noexcept {
  if (!watch_free<Domain>(object, size_class, bytes)) return;
  Bins* const bins = current_bins<Domain>();
  if (!bins->owns(object)) return SlowPaths<Domain>::deallocate(object, size_class, bins);
  if (bins->push(size_class, object)) SlowPaths<Domain>::spill(size_class, bins);
}

/// The same as allocate below, in a checked build.
template <class Domain>
[[gnu::always_inline]] inline void* allocate_watched(unsigned size_class, std::size_t bytes, Bins* bins) {
  if (bins->is_empty(size_class)) [[unlikely]] {
    const AskingFor scope(bytes);
    void* const object = SlowPaths<Domain>::allocate(size_class, bins);
    watch_allocation<Domain>(object, size_class, bytes);
    return object;
  }
  void* const object = bins->pop(size_class);
  if (!give_own_whole(object, size_class, bytes)) [[unlikely]]
    watch_popped<Domain>(object, size_class, bytes, bins);
  return object;
}

/// An object of the class, of which `bytes` are asked for. Throws std::bad_alloc.
template <class Domain = void>
[[gnu::always_inline]] inline void* allocate(unsigned size_class,
                                             [[maybe_unused]] std::size_t bytes = kWholeObject) {
  Bins* const bins = current_bins<Domain>();
  if constexpr (FLUX_CHECKED) return allocate_watched<Domain>(size_class, bytes, bins);
  if (bins->is_empty(size_class)) [[unlikely]]
    return SlowPaths<Domain>::allocate(size_class, bins);
  return bins->pop(size_class);
}

/// Whether allocate would take the short way.
template <class Domain = void>
bool has_at_hand(unsigned size_class) noexcept {
  return !current_bins<Domain>()->is_empty(size_class);
}

/// Frees an object of the class that is not in the bins' main piece.
template <class Domain>
[[gnu::always_inline]] inline void deallocate_elsewhere(void* object, unsigned size_class,
                                                        Bins* bins) noexcept {
  if (!bins->open_run.add_above(object, size_class)) SlowPaths<Domain>::deallocate(object, size_class, bins);
}

/// Frees an object of the class, of which `bytes` were asked for, whichever thread allocated it.
template <class Domain = void>
[[gnu::always_inline]] inline void deallocate(void* object, unsigned size_class,
                                              [[maybe_unused]] std::size_t bytes = kWholeObject) noexcept {
  Bins* const bins = current_bins<Domain>();
  if constexpr (FLUX_CHECKED) {
    if (!free_own_whole(object, size_class, bytes, *bins)) [[unlikely]]
      return deallocate_watched<Domain>(object, size_class, bytes);
  } else {
    if (!bins->owns(object)) [[unlikely]]
      return deallocate_elsewhere<Domain>(object, size_class, bins);
  }
  if (bins->push(size_class, object)) [[unlikely]]
    SlowPaths<Domain>::spill(size_class, bins);
}

/// A thread that only frees sends its first objects home one by one; for more it gets a heap as well, so that others
/// can read in a place of its own what it freed and find what it has on the way.
void LocalHeap::deallocate_first(ThreadHeap* owner, void* object, unsigned size_class,
                                 FoundBins found) noexcept {
  const KeepErrno keep;
  take_over(found);
  const bool is_armed = local_thread.arm();
  if (heap() == nullptr && is_armed && ++freed_alone_ > kMostFreedAlone && !take_heap(found.place))
    freed_alone_ = 0;  // memory is out: not with each object
  if (owner == heap())
    return owner->push(object, size_class);  // outside its main piece, or it had been parked
  if (is_armed && heap() != nullptr)         // through its heap others find what the thread has on the way
    return local_thread.deallocate(owner, object, size_class, *heap()->bins());
  domain_.count_freed_elsewhere(size_class);
  local_thread.outbox().post(owner, ObjectRun(object, size_class), size_class);
}

/// A thread that was not told of its end left its heap owned; one that lives at its address now finds it in the
/// BinsCache, and has it from here on, or parks it when it has another by then.
inline void LocalHeap::take_over(FoundBins found) noexcept {
  if (heap() != nullptr && heap()->is_lost()) local_thread.lose(owned_);
  if (found.bins == &no_bins || (heap() != nullptr && found.bins == heap()->bins())) return;
  ThreadHeap* const untold = Region::of(found.bins)->owner;
  if (heap() == nullptr && !untold->is_lost()) {
    have(untold, found.place);
    local_thread.arm();
    return;
  }
  // relaxed: only this thread compares it with its own thread pointer; from here on it is nobody's.
  found.bins->thread.store(0, std::memory_order_relaxed);
  if (untold->is_lost()) return;
  untold->owner_outbox.set(nullptr);
  local_thread.end_run(*found.bins);
  parked_.park(untold);
}

void* LocalHeap::try_allocate(unsigned size_class, FoundBins found) noexcept {
  take_over(found);
  if (heap() == nullptr && !local_thread.arm()) {
    void* const object = allocate_from_parked(size_class);
    return object != nullptr ? object : allocate_from(create_heap(), size_class);
  }
  if (heap() == nullptr && !take_heap(found.place)) return nullptr;
  if (void* const object = heap()->pop(size_class)) return object;
  return allocate_from_parked(size_class);  // memory is out, but one of them may have some
}

/// Asks one parked heap after another. nullptr when none has memory.
inline void* LocalHeap::allocate_from_parked(unsigned size_class) noexcept {
  void* object = nullptr;
  ThreadHeap* asked = nullptr;  // linked by next_parked
  while (object == nullptr) {
    ThreadHeap* const heap = parked_.adopt();
    if (heap == nullptr) break;
    object = pop_from(*heap, size_class);
    // relaxed: the caller's own, until it is parked again.
    heap->next_parked.store(asked, std::memory_order_relaxed);
    asked = heap;
  }
  while (asked != nullptr) {
    ThreadHeap* const next = asked->next_parked.load(std::memory_order_relaxed);
    parked_.park(asked);
    asked = next;
  }
  return object;
}

/// Holds a heap for one object only: nothing would park it later. nullptr when there is no heap.
inline void* LocalHeap::allocate_from(ThreadHeap* heap, unsigned size_class) noexcept {
  if (heap == nullptr) return nullptr;
  void* const object = pop_from(*heap, size_class);
  parked_.park(heap);
  return object;
}

/// Of a heap that is the caller's for now.
inline void* LocalHeap::pop_from(ThreadHeap& heap, unsigned size_class) noexcept {
  void* const object = heap.pop(size_class);
  if (FLUX_CHECKED && object != nullptr) {  // while nobody else has the heap
    check_allocation(object, size_class, AskingFor::bytes(), domain_.name);
  }
  return object;
}

inline ThreadHeap* LocalHeap::create_heap() noexcept {
  ThreadHeap* const heap = ThreadHeap::create(domain_);
  if (heap != nullptr) heap_list.enlist(heap);
  return heap;
}

inline bool LocalHeap::take_heap(Bins** place) noexcept {
  ThreadHeap* heap = parked_.adopt();
  if (heap == nullptr && (heap = create_heap()) == nullptr) return false;
  have(heap, place);
  return true;
}

inline void LocalHeap::have(ThreadHeap* heap, Bins** place) noexcept {
  owned_ = {heap, place, &parked_, nullptr};
  local_thread.have(owned_);
}

/// Also spills and refills the bin once, so that the pages of the way there are resident as well.
inline bool LocalHeap::try_reserve(unsigned size_class, std::size_t count, FoundBins found) noexcept {
  if (count > System::physical_bytes() / stride_of(size_class)) return false;
  take_over(found);
  if (heap() == nullptr && (!local_thread.arm() || !take_heap(found.place))) return false;
  if (!heap()->reserve(size_class, count)) return false;
  local_thread.outbox().set_may_help(false);
  const std::size_t most = static_cast<std::size_t>(Bins::capacity(size_class)) + 1;
  void* chain = nullptr;
  for (std::size_t i = std::min(count, most); i != 0; --i) {
    void* const object = heap()->pop(size_class);
    open_free(object, sizeof chain);
    chain = ::new (object) void*(chain);
  }
  while (chain != nullptr) {
    void* const object = chain;
    chain = *static_cast<void**>(object);
    fill_free(object, sizeof chain);
    close_free(object, sizeof chain);
    heap()->push(object, size_class);
  }
  return true;
}

}  // namespace flux::inline FLUX_ABI::detail
