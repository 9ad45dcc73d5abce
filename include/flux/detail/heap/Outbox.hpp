#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <flux/detail/heap/ThreadHeap.hpp>

namespace flux::detail {

// The chains a thread is filling with objects of other thread heaps, one per owner; owners that fall onto the same
// place take turns.
class Outbox {
 public:
  /// Adds an object of `owner`; posts the chain when it is full.
  void add(ThreadHeap* owner, void* object, std::size_t stride) noexcept {
    Entry& entry = entries_[place_of(owner)];
    if (entry.owner != owner) [[unlikely]] {
      entry.post();
      entry.owner = owner;
    }
    entry.chain.add(object, stride);
    if (entry.chain.is_full()) [[unlikely]] entry.post();
  }

  /// Posts every chain, however short.
  void flush() noexcept {
    for (Entry& entry : entries_) entry.post();
  }

  /// Posts a single object at once, for a thread whose Outbox will not be flushed any more.
  static void post_one(ThreadHeap* owner, void* object) noexcept {
    Chain chain;
    chain.add(object, kSizeClassInfo[Region::slab_of(object).size_class].stride);
    chain.close([owner](Carrier* first, Carrier* last) { owner->post_remote(first, last); });
  }

 private:
  struct Entry {
    ThreadHeap* owner = nullptr;
    Chain chain;

    void post() noexcept {
      chain.close([this](Carrier* first, Carrier* last) { owner->post_remote(first, last); });
    }
  };

  static constexpr std::size_t kEntries = 8;

  // Heaps lie at multiples of a power of two: the product spreads those bits, its top three choose.
  static std::size_t place_of(const ThreadHeap* owner) noexcept {
    return static_cast<std::size_t>((std::uint64_t{reinterpret_cast<std::uintptr_t>(owner)} * 0x9E37'79B9'7F4A'7C15) >> 61);
  }

  std::array<Entry, kEntries> entries_{};
};

}  // namespace flux::detail
