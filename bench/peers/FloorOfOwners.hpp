#pragma once

// The floor, as it would be if it knew whose an object is: the thread's range and its lists lie in one place, found by a
// thread-local pointer, and a free compares the address with the range first. What others freed is kept on a list that
// nobody takes from, and nothing goes back. What an allocator whose objects may change threads needs for the shortest of
// its operations, and no more.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "peers/FloorChunk.hpp"

namespace bench {

inline constexpr const char* kPeerName = "floor_of_owners";

inline constexpr std::size_t kFloorLists = 64;

struct FloorLists {
  std::uintptr_t begin;
  std::size_t bytes;
  FloorLink* heads[kFloorLists];  ///< of objects of 8, 16, ... bytes
};
inline FloorLists floor_of_nobody{};
inline constinit thread_local FloorLists* floor_lists = &floor_of_nobody;

inline std::atomic<FloorLink*> floor_of_others{nullptr};

[[gnu::noinline, gnu::cold]] inline void free_of_another(void* p) noexcept {
  auto* const link = ::new (p) FloorLink{floor_of_others.load(std::memory_order_relaxed)};
  // release: whoever took the list would follow the links.
  while (!floor_of_others.compare_exchange_weak(link->next, link, std::memory_order_release,
                                                std::memory_order_relaxed)) {
  }
}

template <class T>
class FloorOfOwnersAllocator {
 public:
  using value_type = T;

  FloorOfOwnersAllocator() noexcept = default;
  template <class U>
  FloorOfOwnersAllocator(const FloorOfOwnersAllocator<U>&) noexcept {}

  T* allocate(std::size_t n) {
    if (n != 1) return std::allocator<T>{}.allocate(n);
    FloorLink*& head = floor_lists->heads[list()];
    FloorLink* const object = head;
    if (object == nullptr) [[unlikely]]
      return carve();
    head = object->next;
    return reinterpret_cast<T*>(object);
  }

  void deallocate(T* p, std::size_t n) noexcept {
    if (n != 1) return std::allocator<T>{}.deallocate(p, n);
    FloorLists& lists = *floor_lists;
    if (reinterpret_cast<std::uintptr_t>(p) - lists.begin >= lists.bytes) [[unlikely]]
      return free_of_another(p);
    FloorLink*& head = lists.heads[list()];
    head = ::new (static_cast<void*>(p)) FloorLink{head};
  }

  friend bool operator==(const FloorOfOwnersAllocator&, const FloorOfOwnersAllocator&) noexcept {
    return true;
  }

 private:
  static constexpr std::size_t list() {
    static_assert(floor_size<T>() / 8 < kFloorLists);
    return floor_size<T>() / 8;
  }

  [[gnu::noinline, gnu::cold]] static T* carve() {
    void* const object = FloorChunk::carve(floor_size<T>());
    if (floor_lists == &floor_of_nobody) floor_lists = new FloorLists{};
    floor_lists->begin = FloorChunk::begin();
    floor_lists->bytes = FloorChunk::kSize;
    return static_cast<T*>(object);
  }
};

template <class T>
using Allocator = FloorOfOwnersAllocator<T>;

}  // namespace bench
