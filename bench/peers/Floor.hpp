#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace bench {

inline constexpr const char* kPeerName = "floor";

struct FloorLink {
  FloorLink* next;
};

/// The calling thread's free objects of one size.
template <std::size_t kSize>
struct FloorList {
  static inline constinit thread_local FloorLink* head = nullptr;
};

/// The calling thread's fresh memory: huge pages, so that its first touch is as cheap as it can be.
struct FloorChunk {
  static constexpr std::size_t kSize = std::size_t{32} << 20;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static inline constinit thread_local char* next = nullptr;
  static inline constinit thread_local std::size_t left = 0;

  [[gnu::noinline, gnu::cold]] static void map() {
    void* const p = ::mmap(nullptr, kSize + kHugePage, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc{};
    const std::size_t to_boundary = -reinterpret_cast<std::uintptr_t>(p) & (kHugePage - 1);
    next = static_cast<char*>(p) + to_boundary;
    left = kSize;
    ::madvise(next, kSize, MADV_HUGEPAGE);
  }
};

/// The floor: the least that one-object allocation can cost. A free list per thread and size that never gives
/// anything back and knows no owner. Not an allocator to use: it has no answer to memory that changes
/// threads.
template <class T>
class FloorAllocator {
 public:
  using value_type = T;

  FloorAllocator() noexcept = default;
  template <class U>
  FloorAllocator(const FloorAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n != 1) return std::allocator<T>{}.allocate(n);
    auto& head = FloorList<size()>::head;
    if (head == nullptr) [[unlikely]]
      return carve();
    FloorLink* const object = head;
    head = object->next;
    return reinterpret_cast<T*>(object);
  }

  void deallocate(T* p, std::size_t n) noexcept {
    if (n != 1) return std::allocator<T>{}.deallocate(p, n);
    auto& head = FloorList<size()>::head;
    head = ::new (static_cast<void*>(p)) FloorLink{head};
  }

  friend bool operator==(const FloorAllocator&, const FloorAllocator&) noexcept { return true; }

 private:
  static constexpr std::size_t size() {
    static_assert(alignof(T) <= alignof(FloorLink));
    return (sizeof(T) + sizeof(FloorLink) - 1) / sizeof(FloorLink) * sizeof(FloorLink);
  }

  static T* carve() {
    if (FloorChunk::left < size()) [[unlikely]]
      FloorChunk::map();
    char* const object = FloorChunk::next;
    FloorChunk::next += size();
    FloorChunk::left -= size();
    return reinterpret_cast<T*>(object);
  }
};

template <class T>
using Allocator = FloorAllocator<T>;

}  // namespace bench
