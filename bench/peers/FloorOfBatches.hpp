#pragma once

// The floor, as it would be if what others free went home: each thread's memory says whose it is, a free of another's object
// goes into an array for its owner, a full array goes to the owner by one compare-exchange, and there it is what the owner
// takes from. It has one size, no bitmap, no order of addresses, gives nothing back, and forgets what a thread has when that ends.
// What handing over costs with any allocator that sends batches home, and no more.

#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace bench {

inline constexpr const char* kPeerName = "floor_of_batches";

struct FloorBatch {
  static constexpr std::size_t kMost = 254;

  FloorBatch* next = nullptr;
  std::size_t count = 0;
  std::array<void*, kMost> objects;
};

/// A thread's memory and what came home to it. Begins the chunk that it gives out, which lies at a multiple of its size.
class FloorOwner {
 public:
  static constexpr std::size_t kObjectBytes = 64;
  static constexpr std::size_t kChunkBytes = std::size_t{64} << 20;

  static FloorOwner* make() {
    void* const p = ::mmap(nullptr, 2 * kChunkBytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc{};
    auto* const begin = static_cast<char*>(p) + (-reinterpret_cast<std::uintptr_t>(p) & (kChunkBytes - 1));
    return ::new (begin) FloorOwner(begin);
  }
  static FloorOwner* of(const void* object) noexcept {
    return reinterpret_cast<FloorOwner*>(reinterpret_cast<std::uintptr_t>(object) & ~(kChunkBytes - 1));
  }

  void* take() {
    if (batch_ == nullptr || batch_->count == 0) [[unlikely]]
      return refill();
    return batch_->objects[--batch_->count];
  }

  /// Any thread.
  void post(FloorBatch* batch) noexcept {
    batch->next = home_.load(std::memory_order_relaxed);
    // release: pairs with the acquire in refill.
    while (!home_.compare_exchange_weak(batch->next, batch, std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
  }

 private:
  explicit FloorOwner(char* begin) noexcept : fresh_(begin + 4096), end_(begin + kChunkBytes) {}

  [[gnu::noinline]] void* refill() {
    if (batch_ != nullptr) {
      FloorBatch* const empty = batch_;
      batch_ = empty->next;
      delete empty;
    }
    // acquire: pairs with the release in post.
    if (batch_ == nullptr) batch_ = home_.exchange(nullptr, std::memory_order_acquire);
    if (batch_ != nullptr) return batch_->objects[--batch_->count];
    if (fresh_ == end_) throw std::bad_alloc{};
    void* const object = fresh_;
    fresh_ += kObjectBytes;
    return object;
  }

  FloorBatch* batch_ = nullptr;
  char* fresh_;
  char* end_;
  alignas(128) std::atomic<FloorBatch*> home_{nullptr};
};

/// Of the calling thread.
struct FloorThread {
  struct Out {
    FloorOwner* owner;
    FloorBatch* batch;
  };

  FloorOwner* mine;
  std::array<Out, 8> out;  ///< one for each owner that it knows

  void free(void* p) {
    FloorOwner* const owner = FloorOwner::of(p);
    for (Out& each : out) {
      if (each.owner == nullptr) each = {owner, new FloorBatch};
      if (each.owner != owner) continue;
      each.batch->objects[each.batch->count++] = p;
      if (each.batch->count == FloorBatch::kMost) [[unlikely]] {
        owner->post(each.batch);
        each.batch = new FloorBatch;
      }
      return;
    }
    std::abort();  // more owners than the rows have
  }
};
inline constinit thread_local FloorThread floor_thread{};

template <class T>
class FloorOfBatchesAllocator {
 public:
  using value_type = T;

  FloorOfBatchesAllocator() noexcept = default;
  template <class U>
  FloorOfBatchesAllocator(const FloorOfBatchesAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n != 1 || sizeof(T) != FloorOwner::kObjectBytes) return std::allocator<T>{}.allocate(n);
    FloorThread& thread = floor_thread;
    if (thread.mine == nullptr) [[unlikely]]
      thread.mine = FloorOwner::make();
    return static_cast<T*>(thread.mine->take());
  }
  void deallocate(T* p, std::size_t n) noexcept {
    if (n != 1 || sizeof(T) != FloorOwner::kObjectBytes) return std::allocator<T>{}.deallocate(p, n);
    floor_thread.free(p);
  }

  friend bool operator==(const FloorOfBatchesAllocator&, const FloorOfBatchesAllocator&) noexcept {
    return true;
  }
};

template <class T>
using Allocator = FloorOfBatchesAllocator<T>;

}  // namespace bench
