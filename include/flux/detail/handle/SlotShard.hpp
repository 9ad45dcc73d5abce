#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/handle/SlotBlock.hpp>
#include <flux/detail/handle/SlotWord.hpp>

namespace flux::inline FLUX_ABI::detail {

// Free slots that one thread at a time takes and puts, the last one put first: a stack of the words that will
// make them live, in a magazine, and another magazine that is either full or empty, so that dozens of
// operations lie between two visits to the depot.
//
//   home: slots put less slots taken, whatever the depot did meanwhile; the sum over all shards of a pool is
//   the number of slots that are taken, in the negative
//   bottom <= home <= top == bottom + the slots of a magazine;  home - bottom words are in `current`
//   place(home) is current->words()[home - bottom]
//
// All zero it has nothing to take and no room to put: where every operation goes the slow way.
struct alignas(64) SlotShard {
  std::atomic<std::int64_t> home{0};
  std::int64_t bottom = 0;
  std::int64_t top = 0;
  std::uintptr_t origin = 0;  ///< the address of place(0), which no magazine need have
  Magazine* current = nullptr;
  Magazine* spare = nullptr;
  void* memory = nullptr;  ///< that the shard's first magazines are made of
  bool is_spare_full = false;

  // relaxed, both: written by the holder alone, and others only add it up.
  std::int64_t level() const noexcept { return home.load(std::memory_order_relaxed); }
  void set_level(std::int64_t level) noexcept { home.store(level, std::memory_order_relaxed); }

  SlotWord& place(std::int64_t level) const noexcept {
    return *reinterpret_cast<SlotWord*>(origin + static_cast<std::uintptr_t>(level) * sizeof(SlotWord));
  }

  bool is_open() const noexcept { return current != nullptr; }

  /// From here on it has room: two empty magazines on that memory.
  void open(void* for_both, std::size_t bytes_each, std::uint32_t slots) noexcept {
    memory = for_both;
    current = ::new (for_both) Magazine;
    spare = ::new (static_cast<std::byte*>(for_both) + bytes_each) Magazine;
    use_as_empty(slots);
  }

  /// `current` has been filled, or is full and has come in place of an empty one.
  void use_as_full(std::uint32_t slots) noexcept { move_to(level() - std::int64_t{slots}, slots); }
  void use_as_empty(std::uint32_t slots) noexcept { move_to(level(), slots); }

  /// A slot is retired: it counts as put, and is not there.
  void put_nothing(std::uint32_t slots) noexcept {
    set_level(level() + 1);
    move_to(bottom + 1, slots);
  }

 private:
  void move_to(std::int64_t new_bottom, std::uint32_t slots) noexcept {
    bottom = new_bottom;
    top = bottom + std::int64_t{slots};
    origin = reinterpret_cast<std::uintptr_t>(current->words()) -
             static_cast<std::uintptr_t>(bottom) * sizeof(SlotWord);
  }
};

static_assert(sizeof(SlotShard) == 64, "no two threads write to one cache line");

}  // namespace flux::inline FLUX_ABI::detail
