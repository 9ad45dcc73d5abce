#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/HeapRegistry.hpp>
#include <flux/detail/heap/Outbox.hpp>

namespace flux::detail {

// The thread-local face of a thread heap: all that the fast paths touch besides the object itself.
//
// All zero it owns no address and has no object, so that first uses fall into the slow paths without a test of their
// own. It is trivially destructible: usable from destructors of other thread-local and static objects, at any time.
//
// Fresh (zero), armed (the janitor will run; has a heap once it has allocated), or ended (the janitor ran: every
// operation goes through the slow paths and leaves nothing behind in the thread).
class LocalHeap {
 public:
  /// An object of the class. Throws std::bad_alloc.
  [[gnu::always_inline]] void* allocate(unsigned size_class) {
    Bin& bin = bins_[size_class];
    void** const top = bin.top;
    if (top == bin.bottom) [[unlikely]] return allocate_slow(size_class);
    bin.top = top - 1;
    return top[-1];
  }

  /// Frees an object of the class, whichever thread allocated it.
  [[gnu::always_inline]] void deallocate(void* object, unsigned size_class) noexcept {
    Bin& bin = bins_[size_class];
    void** const top = bin.top;
    if (!is_in_main_reservation(object) || top == bin.end) [[unlikely]] return deallocate_slow(object, size_class);
    *top = object;
    bin.top = top + 1;
  }

 private:
  enum class Phase : unsigned char { kFresh, kArmed, kEnded };

  struct Janitor {
    Janitor() noexcept = default;
    Janitor(const Janitor&) = delete;
    Janitor& operator=(const Janitor&) = delete;
    ~Janitor();
    void arm() const noexcept {}  // its use makes the compiler register the destructor
  };

  static inline thread_local Janitor janitor_;

  bool is_in_main_reservation(const void* object) const noexcept {
    return reinterpret_cast<std::uintptr_t>(object) - main_begin_ < main_bytes_;
  }

  [[gnu::noinline]] inline static void* allocate_slow(unsigned size_class);
  [[gnu::noinline]] inline static void deallocate_slow(void* object, unsigned size_class) noexcept;

  void* try_allocate(unsigned size_class) noexcept;
  static void* allocate_after_end(unsigned size_class) noexcept;
  void arm() noexcept;
  bool take_heap() noexcept;
  void end() noexcept;

  std::uintptr_t main_begin_ = 0;
  std::size_t main_bytes_ = 0;
  std::array<Bin, kSizeClasses> bins_{};
  ThreadHeap* heap_ = nullptr;
  Outbox outbox_;
  Phase phase_ = Phase::kFresh;
};

inline constinit thread_local LocalHeap local_heap;

static_assert(std::is_trivially_destructible_v<LocalHeap>);

inline LocalHeap::Janitor::~Janitor() { local_heap.end(); }

void* LocalHeap::allocate_slow(unsigned size_class) {
  for (;;) {
    if (void* object = local_heap.try_allocate(size_class)) return object;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw_bad_alloc();
    handler();
  }
}

inline void* LocalHeap::try_allocate(unsigned size_class) noexcept {
  if (heap_ == nullptr) {
    if (phase_ == Phase::kEnded) return allocate_after_end(size_class);
    if (!take_heap()) return nullptr;
  }
  Bin& bin = bins_[size_class];
  if (bin.top == bin.bottom && !heap_->refill(bin, size_class)) return nullptr;
  return *--bin.top;
}

/// Holds a heap for one object only: nothing would park it later.
inline void* LocalHeap::allocate_after_end(unsigned size_class) noexcept {
  ThreadHeap* heap = heap_registry.adopt();
  if (heap == nullptr && (heap = ThreadHeap::create()) == nullptr) return nullptr;
  void* const object = heap->allocate_one(size_class);
  heap_registry.park(heap);
  return object;
}

void LocalHeap::deallocate_slow(void* object, unsigned size_class) noexcept {
  LocalHeap& local = local_heap;
  ThreadHeap* const owner = ThreadHeap::owner_of(object);
  if (owner == local.heap_) {
    Bin& bin = local.bins_[size_class];
    if (bin.top == bin.end) owner->spill(bin, size_class);
    *bin.top++ = object;
  } else if (local.phase_ == Phase::kEnded) {
    Outbox::post_one(owner, object);
  } else {
    if (local.phase_ == Phase::kFresh) local.arm();
    local.outbox_.add(owner, object, kSizeClassInfo[size_class].stride);
  }
}

inline void LocalHeap::arm() noexcept {
  phase_ = Phase::kArmed;
  janitor_.arm();
}

inline bool LocalHeap::take_heap() noexcept {
  ThreadHeap* heap = heap_registry.adopt();
  if (heap == nullptr && (heap = ThreadHeap::create()) == nullptr) return false;
  if (phase_ == Phase::kFresh) arm();
  heap_ = heap;
  heap->load_bins(bins_);
  main_begin_ = reinterpret_cast<std::uintptr_t>(heap->main_reservation().begin);
  main_bytes_ = heap->main_reservation().bytes;
  return true;
}

/// The thread ends: what it has on the way goes home, and its heap waits for another thread.
inline void LocalHeap::end() noexcept {
  outbox_.flush();
  ThreadHeap* const heap = heap_;
  const std::array<Bin, kSizeClasses> bins = bins_;
  *this = LocalHeap{};
  phase_ = Phase::kEnded;
  if (heap == nullptr) return;
  heap->store_bins(bins);
  heap_registry.park(heap);
}

}  // namespace flux::detail
