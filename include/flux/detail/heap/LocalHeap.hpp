#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/LocalThread.hpp>

namespace flux::detail {

// A thread's slow paths in a domain.
//
//   local_bins<Domain> != &no_bins  <=>  heap() != nullptr
template <class Domain>
class LocalHeap {
 public:
  // The slow twins of the fast paths below, which say what bins they found: a program and its libraries share these
  // functions, but not how they find bins. allocate_slow throws std::bad_alloc.
  [[gnu::noinline]] static void* allocate_slow(unsigned size_class, Bins* bins);
  [[gnu::noinline]] static void spill_slow(unsigned size_class, Bins* bins) noexcept;
  [[gnu::noinline]] static void deallocate_slow(void* object, unsigned size_class, Bins* bins) noexcept;

  /// The same as allocate_slow, but nullptr when memory is out, without a call of the program's new_handler.
  [[gnu::noinline]] static void* allocate_slow_or_null(unsigned size_class, Bins* bins) noexcept;

  /// What flux/Control.hpp offers.
  static void reserve(unsigned size_class, std::size_t count);

  /// Sees to it that the heap is known which a thread at the same address left untold, and none that is lost.
  void take_over(Bins* bins) noexcept;

  /// The calling thread's heap, or nullptr while it has none.
  ThreadHeap* heap() const noexcept { return owned_.heap; }

 private:
  template <class Try>
  static auto retry(Try attempt);
  [[gnu::noinline]] void deallocate_first(ThreadHeap* owner, void* object, unsigned size_class,
                                          Bins* bins) noexcept;
  static void count_freed_elsewhere(unsigned size_class, Bins* bins) noexcept;
  void* try_allocate(unsigned size_class, Bins* bins) noexcept;
  bool try_reserve(unsigned size_class, std::size_t count) noexcept;
  static void* allocate_from(ThreadHeap* heap, unsigned size_class) noexcept;
  static ThreadHeap* create_heap() noexcept;
  bool take_heap() noexcept;
  void have(ThreadHeap* heap) noexcept;

  static constexpr std::uint32_t kMostFreedAlone = 64;

  OwnedHeap owned_{};
  std::uint32_t freed_alone_ = 0;  ///< objects that the thread freed while it had no heap
};

template <class Domain = void>
inline constinit thread_local LocalHeap<Domain> local_heap{};

/// An object of the class. Throws std::bad_alloc.
template <class Domain = void>
[[gnu::always_inline]] inline void* allocate(unsigned size_class) {
  Bins* const bins = current_bins<Domain>();
  if (bins->is_empty(size_class)) [[unlikely]]
    return LocalHeap<Domain>::allocate_slow(size_class, bins);
  return bins->pop(size_class);
}

/// Whether allocate would take the short way.
template <class Domain = void>
bool has_at_hand(unsigned size_class) noexcept {
  return !current_bins<Domain>()->is_empty(size_class);
}

/// Frees an object of the class, whichever thread allocated it.
template <class Domain = void>
[[gnu::always_inline]] inline void deallocate(void* object, unsigned size_class) noexcept {
  Bins* const bins = current_bins<Domain>();
  if (!bins->owns(object)) [[unlikely]]
    return LocalHeap<Domain>::deallocate_slow(object, size_class, bins);
  if (bins->push(size_class, object)) [[unlikely]]
    LocalHeap<Domain>::spill_slow(size_class, bins);
}

/// Attempts until it succeeds, with the program's new_handler in between. Throws std::bad_alloc.
template <class Domain>
template <class Try>
auto LocalHeap<Domain>::retry(Try attempt) {
  for (;;) {
    if (const auto success = attempt()) return success;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
  }
}

template <class Domain>
void* LocalHeap<Domain>::allocate_slow(unsigned size_class, Bins* bins) {
  return retry([=] { return local_heap<Domain>.try_allocate(size_class, bins); });
}

template <class Domain>
void* LocalHeap<Domain>::allocate_slow_or_null(unsigned size_class, Bins* bins) noexcept {
  return local_heap<Domain>.try_allocate(size_class, bins);
}

template <class Domain>
void LocalHeap<Domain>::spill_slow(unsigned size_class, Bins* bins) noexcept {
  LocalHeap& local = local_heap<Domain>;
  local.take_over(bins);
  if (local.heap() != nullptr) local.heap()->spill(size_class);
}

template <class Domain>
void LocalHeap<Domain>::deallocate_slow(void* object, unsigned size_class, Bins* bins) noexcept {
  ThreadHeap* const owner = ThreadHeap::owner_of(object);
  if (local_thread.outbox().add_if_known(owner, object, kSizeClassInfo[size_class].stride)) [[likely]]
    return count_freed_elsewhere(size_class, bins);
  local_heap<Domain>.deallocate_first(owner, object, size_class, bins);
}

/// An object of an owner that no chain has been begun for. A thread that only frees sends its first objects home one by
/// one; for more it gets a heap as well, so that others can read in a place of its own what it freed and find what it
/// has on the way.
template <class Domain>
void LocalHeap<Domain>::deallocate_first(ThreadHeap* owner, void* object, unsigned size_class,
                                         Bins* bins) noexcept {
  take_over(bins);
  const bool is_armed = local_thread.arm();
  if (heap() == nullptr && is_armed && ++freed_alone_ > kMostFreedAlone) take_heap();
  if (owner == heap())
    return owner->push(object, size_class);  // outside its main piece, or it had been parked
  count_freed_elsewhere(size_class, heap() == nullptr ? &no_bins : heap()->bins());
  if (is_armed && heap() != nullptr) {  // through its heap others find what the thread has on the way
    local_thread.outbox().add(owner, object, kSizeClassInfo[size_class].stride);
  } else {
    Outbox::post_one(owner, object, kSizeClassInfo[size_class].stride);
  }
}

/// Where the thread has no heap, it counts for all such threads of the domain, which costs some nanoseconds.
template <class Domain>
void LocalHeap<Domain>::count_freed_elsewhere(unsigned size_class, Bins* bins) noexcept {
  if (bins != &no_bins) [[likely]] {
    bins->freed_elsewhere[size_class] += 1;
  } else {
    // relaxed: a number by itself.
    domain_info<Domain>.freed_elsewhere[size_class].fetch_add(1, std::memory_order_relaxed);
  }
}

/// A thread that was not told of its end left its heap owned; one that lives at its address now finds it in the
/// BinsCache, and has it from here on.
template <class Domain>
void LocalHeap<Domain>::take_over(Bins* bins) noexcept {
  if (heap() != nullptr) {
    if (heap()->is_lost()) local_thread.lose(owned_);
    return;
  }
  if (bins == &no_bins) return;
  ThreadHeap* const untold = Region::of(bins)->owner;
  if (untold->is_lost()) return;
  have(untold);
  local_thread.arm();
}

template <class Domain>
void* LocalHeap<Domain>::try_allocate(unsigned size_class, Bins* bins) noexcept {
  take_over(bins);
  if (heap() == nullptr && !local_thread.arm()) {
    ThreadHeap* const heap = parked_heaps<Domain>.adopt();
    return allocate_from(heap != nullptr ? heap : create_heap(), size_class);
  }
  if (heap() == nullptr && !take_heap()) return nullptr;
  if (void* const object = heap()->pop(size_class)) return object;
  // Memory is out, but a parked heap may have some.
  return allocate_from(parked_heaps<Domain>.adopt(), size_class);
}

/// Holds a heap for one object only: nothing would park it later. nullptr when there is no heap.
template <class Domain>
void* LocalHeap<Domain>::allocate_from(ThreadHeap* heap, unsigned size_class) noexcept {
  if (heap == nullptr) return nullptr;
  void* const object = heap->pop(size_class);
  parked_heaps<Domain>.park(heap);
  return object;
}

template <class Domain>
ThreadHeap* LocalHeap<Domain>::create_heap() noexcept {
  ThreadHeap* const heap = ThreadHeap::create(domain_info<Domain>);
  if (heap != nullptr) heap_list.enlist(heap);
  return heap;
}

template <class Domain>
bool LocalHeap<Domain>::take_heap() noexcept {
  ThreadHeap* heap = parked_heaps<Domain>.adopt();
  if (heap == nullptr && (heap = create_heap()) == nullptr) return false;
  have(heap);
  return true;
}

template <class Domain>
void LocalHeap<Domain>::have(ThreadHeap* heap) noexcept {
  owned_ = {heap, &local_bins<Domain>, &parked_heaps<Domain>, nullptr};
  local_thread.have(owned_);
}

template <class Domain>
void LocalHeap<Domain>::reserve(unsigned size_class, std::size_t count) {
  retry([=] { return local_heap<Domain>.try_reserve(size_class, count); });
}

/// Also spills and refills the bin once, so that the pages of the way there are resident as well.
template <class Domain>
bool LocalHeap<Domain>::try_reserve(unsigned size_class, std::size_t count) noexcept {
  if (count > system_pages::physical_bytes() / stride_of(size_class)) return false;
  take_over(current_bins<Domain>());
  if (heap() == nullptr && (!local_thread.arm() || !take_heap())) return false;
  if (!heap()->reserve(size_class, count)) return false;
  local_thread.outbox().set_may_help(false);
  const std::size_t most = static_cast<std::size_t>(Bins::capacity(size_class)) + 1;
  void* chain = nullptr;
  for (std::size_t i = std::min(count, most); i != 0; --i) {
    void* const object = heap()->pop(size_class);
    chain = ::new (object) void*(chain);
  }
  while (chain != nullptr) {
    void* const object = chain;
    chain = *static_cast<void**>(object);
    heap()->push(object, size_class);
  }
  return true;
}

static_assert(std::is_trivially_destructible_v<LocalHeap<void>>);

}  // namespace flux::detail
