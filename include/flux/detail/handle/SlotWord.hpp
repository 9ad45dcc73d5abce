#pragma once

#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// A handle's bits, and what a slot says of itself, are one word: a generation above an index.
//
//   index: the number of a block above the number of a slot in it; counted through all pools of the process
//   generation: how often the slot has been used; from 1 on, so that no handle is 0
//
// A slot whose object lives has the word of the object's handle: its own index. Any other slot has the
// generation of its next use, and kNoSlot: no handle that leads to a slot says that. Thus one comparison of
// two words tells a handle that is good from all others.
//
// 30 bits of index are room for a thousand million slots, and 34 of generation let each be used sixteen
// thousand million times.
using SlotWord = std::uint64_t;

inline constexpr unsigned kSlotBits = 10;
inline constexpr unsigned kBlockBits = 20;
inline constexpr unsigned kIndexBits = kSlotBits + kBlockBits;
inline constexpr unsigned kGenerationBits = 64 - kIndexBits;

inline constexpr std::uint32_t kMostSlots = std::uint32_t{1} << kSlotBits;  ///< of a block
inline constexpr std::uint32_t kNoSlot = (std::uint32_t{1} << kIndexBits) - 1;
inline constexpr std::uint64_t kLastGeneration = (std::uint64_t{1} << kGenerationBits) - 1;
inline constexpr SlotWord kOneGeneration = SlotWord{1} << kIndexBits;

constexpr SlotWord slot_word(std::uint64_t generation, std::uint32_t index) noexcept {
  return generation << kIndexBits | index;
}

constexpr std::uint64_t generation_of(SlotWord word) noexcept { return word >> kIndexBits; }

constexpr std::uint32_t index_of(SlotWord word) noexcept {
  return static_cast<std::uint32_t>(word & (kOneGeneration - 1));
}

constexpr std::uint32_t block_of(std::uint32_t index) noexcept { return index >> kSlotBits; }
constexpr std::uint32_t slot_of(std::uint32_t index) noexcept { return index & (kMostSlots - 1); }

/// The same generation, with another index.
constexpr SlotWord with_index(SlotWord word, std::uint32_t index) noexcept {
  return (word & ~(kOneGeneration - 1)) | index;
}

static_assert(kGenerationBits >= 32);
static_assert(index_of(slot_word(kLastGeneration, kNoSlot)) == kNoSlot &&
              generation_of(slot_word(kLastGeneration, kNoSlot)) == kLastGeneration);

}  // namespace flux::inline FLUX_ABI::detail
