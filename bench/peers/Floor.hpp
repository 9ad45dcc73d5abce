#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "peers/FloorChunk.hpp"

namespace bench {

inline constexpr const char* kPeerName = "floor";

/// The calling thread's free objects of one size.
template <std::size_t kSize>
struct FloorList {
  static inline constinit thread_local FloorLink* head = nullptr;
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
  static constexpr std::size_t size() { return floor_size<T>(); }
  static T* carve() { return static_cast<T*>(FloorChunk::carve(size())); }
};

template <class T>
using Allocator = FloorAllocator<T>;

}  // namespace bench
