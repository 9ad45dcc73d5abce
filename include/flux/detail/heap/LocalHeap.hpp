#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>

#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/LocalBins.hpp>
#include <flux/detail/heap/Outbox.hpp>
#include <flux/detail/heap/ThreadEnd.hpp>
#include <flux/detail/heap/Trim.hpp>

namespace flux::detail {

// What the slow paths keep of a thread besides.
//
// States: fresh, armed (ThreadEnd will end it; has a heap once it has allocated), ended (every operation goes
// through the slow paths and leaves nothing behind in the thread).
//
//   local_bins != &no_bins  <=>  heap_ != nullptr
//   outbox_ knows heap_ not, and no owner at all unless the thread is armed
class LocalHeap {
 public:
  [[gnu::noinline]] inline static void* allocate_slow(unsigned size_class);
  [[gnu::noinline]] inline static void spill_slow(unsigned size_class) noexcept;
  [[gnu::noinline]] inline static void deallocate_slow(void* object, unsigned size_class) noexcept;

  // What flux/Control.hpp offers.
  inline static void reserve(unsigned size_class, std::size_t count);
  inline static void flush() noexcept;
  inline static std::size_t trim() noexcept;

  /// The calling thread's heap, or nullptr while it has none: for tests and reports.
  ThreadHeap* heap() const noexcept { return heap_; }

 private:
  enum class Phase : unsigned char { kFresh, kArmed, kEnded };

  template <class Try>
  static auto retry(Try attempt);
  [[gnu::noinline]] inline void deallocate_first(ThreadHeap* owner, void* object,
                                                 unsigned size_class) noexcept;
  inline void take_over() noexcept;
  inline void* try_allocate(unsigned size_class) noexcept;
  inline bool try_reserve(unsigned size_class, std::size_t count) noexcept;
  inline static void* allocate_from(ThreadHeap* heap, unsigned size_class) noexcept;
  inline static ThreadHeap* create_heap() noexcept;
  inline bool arm() noexcept;
  inline bool take_heap() noexcept;
  inline void have(ThreadHeap* heap) noexcept;
  inline void end() noexcept;
  static void end_mine(void* local) noexcept { static_cast<LocalHeap*>(local)->end(); }

  ThreadHeap* heap_ = nullptr;
  Phase phase_ = Phase::kFresh;
  Outbox outbox_;
};

inline constinit thread_local LocalHeap local_heap;

static_assert(std::is_trivially_destructible_v<LocalHeap>);

/// An object of the class. Throws std::bad_alloc.
[[gnu::always_inline]] inline void* allocate(unsigned size_class) {
  Bins* const bins = current_bins();
  Bin& bin = bins->bins[size_class];
  const std::ptrdiff_t level = bin.level;
  if (level == bin.bottom) [[unlikely]]
    return LocalHeap::allocate_slow(size_class);
  bin.level = level - 1;
  return bins->stack_end(size_class)[level - 1];
}

/// Frees an object of the class, whichever thread allocated it.
[[gnu::always_inline]] inline void deallocate(void* object, unsigned size_class) noexcept {
  Bins* const bins = current_bins();
  if (!bins->owns(object)) [[unlikely]]
    return LocalHeap::deallocate_slow(object, size_class);
  Bin& bin = bins->bins[size_class];
  bins->stack_end(size_class)[bin.level] = object;
  if (++bin.level == 0) [[unlikely]]
    LocalHeap::spill_slow(size_class);
}

/// Attempts until it succeeds, with the program's new_handler in between. Throws std::bad_alloc.
template <class Try>
auto LocalHeap::retry(Try attempt) {
  for (;;) {
    if (const auto success = attempt()) return success;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
  }
}

void* LocalHeap::allocate_slow(unsigned size_class) {
  return retry([size_class] { return local_heap.try_allocate(size_class); });
}

void LocalHeap::spill_slow(unsigned size_class) noexcept {
  local_heap.take_over();
  local_heap.heap_->spill(size_class);
}

void LocalHeap::deallocate_slow(void* object, unsigned size_class) noexcept {
  ThreadHeap* const owner = ThreadHeap::owner_of(object);
  if (local_heap.outbox_.add_if_known(owner, object, kSizeClassInfo[size_class].stride)) [[likely]]
    return;
  local_heap.deallocate_first(owner, object, size_class);
}

/// An object of an owner that no chain has been begun for.
void LocalHeap::deallocate_first(ThreadHeap* owner, void* object, unsigned size_class) noexcept {
  take_over();
  if (owner == heap_) {
    owner->push(object, size_class);  // it lies outside the heap's main piece
  } else if (arm()) {
    outbox_.add(owner, object, kSizeClassInfo[size_class].stride);
  } else {
    Outbox::post_one(owner, object, kSizeClassInfo[size_class].stride);
  }
}

/// A thread that was not told of its end left its heap owned; one that lives at its address now finds it in the
/// BinsCache, and has it from here on.
void LocalHeap::take_over() noexcept {
  if (heap_ != nullptr) return;
  Bins* const bins = current_bins();
  if (bins == &no_bins) return;
  have(Region::of(bins)->owner);
  arm();
}

void* LocalHeap::try_allocate(unsigned size_class) noexcept {
  take_over();
  if (heap_ == nullptr && !arm()) {
    ThreadHeap* const heap = heap_registry.adopt();
    return allocate_from(heap != nullptr ? heap : create_heap(), size_class);
  }
  if (heap_ == nullptr && !take_heap()) return nullptr;
  if (void* const object = heap_->pop(size_class)) return object;
  return allocate_from(heap_registry.adopt(), size_class);  // memory is out, but a parked heap may have some
}

/// Holds a heap for one object only: nothing would park it later. nullptr when there is no heap.
void* LocalHeap::allocate_from(ThreadHeap* heap, unsigned size_class) noexcept {
  if (heap == nullptr) return nullptr;
  void* const object = heap->pop(size_class);
  heap_registry.park(heap);
  return object;
}

ThreadHeap* LocalHeap::create_heap() noexcept {
  ThreadHeap* const heap = ThreadHeap::create();
  if (heap != nullptr) heap_registry.enlist(heap);
  return heap;
}

/// Whether something may be kept for the thread until it ends. A thread that cannot be told of its end counts
/// as ended.
bool LocalHeap::arm() noexcept {
  if (phase_ == Phase::kFresh) phase_ = ThreadEnd<end_mine>::call(this) ? Phase::kArmed : Phase::kEnded;
  return phase_ == Phase::kArmed;
}

bool LocalHeap::take_heap() noexcept {
  ThreadHeap* heap = heap_registry.adopt();
  if (heap == nullptr && (heap = create_heap()) == nullptr) return false;
  have(heap);
  return true;
}

/// From here on the heap is the thread's: what it frees of its objects need not be sent.
void LocalHeap::have(ThreadHeap* heap) noexcept {
  outbox_.close();
  heap_ = heap;
  local_bins = heap->bins();
}

void LocalHeap::reserve(unsigned size_class, std::size_t count) {
  retry([=] { return local_heap.try_reserve(size_class, count); });
}

/// Also spills and refills the bin once, so that the pages of the way there are resident as well.
bool LocalHeap::try_reserve(unsigned size_class, std::size_t count) noexcept {
  if (count > system_pages::physical_bytes() / stride_of(size_class)) return false;
  take_over();
  if (heap_ == nullptr && (!arm() || !take_heap())) return false;
  if (!heap_->reserve(size_class, count)) return false;
  outbox_.set_may_help(false);
  const std::size_t most = static_cast<std::size_t>(Bins::capacity(size_class)) + 1;
  void* chain = nullptr;
  for (std::size_t i = std::min(count, most); i != 0; --i) {
    void* const object = heap_->pop(size_class);
    chain = ::new (object) void*(chain);
  }
  while (chain != nullptr) {
    void* const object = chain;
    chain = *static_cast<void**>(object);
    heap_->push(object, size_class);
  }
  return true;
}

void LocalHeap::flush() noexcept { local_heap.outbox_.flush(); }

std::size_t LocalHeap::trim() noexcept {
  flush();
  local_heap.take_over();
  local_heap.outbox_.set_may_help(true);
  return trim_all(local_heap.heap_);
}

/// The thread ends: what it has on the way goes home, and its heap waits for another thread.
void LocalHeap::end() noexcept {
  outbox_.close();
  ThreadHeap* const heap = heap_;
  local_bins = &no_bins;
  // relaxed: only this thread compares it with its own thread pointer; from here on it is nobody's.
  if (heap != nullptr) heap->bins()->thread.store(0, std::memory_order_relaxed);
  heap_ = nullptr;
  phase_ = Phase::kEnded;
  if (heap != nullptr) heap_registry.park(heap);
}

}  // namespace flux::detail
