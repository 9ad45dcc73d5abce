#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/OperatorNew.hpp>
#include <flux/detail/handle/SlotWord.hpp>

namespace flux::inline FLUX_ABI::detail {

// How the blocks of a pool are cut. All figures follow from the objects' size and alignment.
//
// At most 256 KiB of objects a block, and 1,024 slots, so that a pool of few objects is small: with 24-byte
// objects 41 KiB, of which 8 KiB and what the objects need are touched. Slots move between threads by the
// magazine: 64, or a quarter of a block.
struct BlockShape {
  std::uint32_t slots;        ///< a power of two
  std::uint32_t in_magazine;  ///< slots of a magazine, a divisor of `slots`
  std::size_t stride;         ///< bytes from one object to the next
  std::size_t magazines;      ///< offset of the first magazine, bytes
  std::size_t objects;        ///< offset of the first object, bytes
  std::size_t bytes;
  std::size_t alignment;

  static constexpr std::size_t kMostObjectBytes = std::size_t{256} << 10;
  static constexpr std::uint32_t kMostInMagazine = 64;
  static constexpr std::size_t kHeaderBytes = 64;

  /// What one object takes and how it is aligned, a power of two.
  static constexpr BlockShape of(std::size_t size, std::size_t alignment) noexcept {
    const std::size_t fit = std::clamp<std::size_t>(kMostObjectBytes / size, 1, kMostSlots);
    const auto slots = static_cast<std::uint32_t>(std::bit_floor(fit));
    const std::uint32_t in_magazine = std::clamp<std::uint32_t>(slots / 4, 1, kMostInMagazine);
    const std::size_t magazines = kHeaderBytes + slots * sizeof(SlotWord);
    const std::size_t end = magazines + slots / in_magazine * magazine_bytes(in_magazine);
    const std::size_t objects = (end + alignment - 1) / alignment * alignment;
    return {slots,
            in_magazine,
            size,
            magazines,
            objects,
            objects + slots * size,
            std::max(alignment, kHeaderBytes)};
  }

  static constexpr std::size_t magazine_bytes(std::uint32_t slots) noexcept {
    return (1 + std::size_t{slots}) * sizeof(SlotWord);
  }
  constexpr std::size_t magazine_bytes() const noexcept { return magazine_bytes(in_magazine); }
};

// Room for the words of some free slots, which follow it: they change hands together.
struct Magazine {
  alignas(sizeof(SlotWord)) Magazine* next;  ///< the depot's

  SlotWord* words() noexcept { return reinterpret_cast<SlotWord*>(this + 1); }
};

static_assert(sizeof(Magazine) == sizeof(SlotWord));

// Memory of a pool: this header, a word for each slot (SlotWord.hpp), magazines for as many words, and room
// for as many objects. Objects lie apart from the words, so that they keep their alignment without padding.
//
//   next, next_fresh, fresh: the depot's (SlotDepot.hpp)
//   slots from `fresh` on have never been handed out
struct alignas(BlockShape::kHeaderBytes) SlotBlock {
  using Word = std::atomic<SlotWord>;

  SlotBlock* next;
  SlotBlock* next_fresh;
  std::uint64_t generation;  ///< of the slots that were never handed out
  std::uint32_t number;
  std::uint32_t fresh;

  /// Memory for a block, from `operator new`. Throws what that throws.
  static void* allocate(const BlockShape& shape) { return operator_new(shape.bytes, shape.alignment); }
  static void deallocate(void* block, const BlockShape& shape) noexcept {
    operator_delete(block, shape.bytes, shape.alignment);
  }

  /// A block of free slots whose first use has that generation. Touches neither magazines nor objects.
  static SlotBlock* create(void* memory, const BlockShape& shape, std::uint32_t number,
                           std::uint64_t generation) noexcept {
    auto* const block = ::new (memory) SlotBlock{nullptr, nullptr, generation, number, 0};
    for (std::uint32_t slot = 0; slot != shape.slots; ++slot)
      ::new (&block->word(slot)) Word(slot_word(generation, kNoSlot));
    return block;
  }

  Word& word(std::uint32_t slot) noexcept { return reinterpret_cast<Word*>(this + 1)[slot]; }

  std::uint32_t index(std::uint32_t slot) const noexcept { return number << kSlotBits | slot; }

  std::byte* at(std::size_t offset) noexcept { return reinterpret_cast<std::byte*>(this) + offset; }

  void* object(std::uint32_t slot, const BlockShape& shape) noexcept {
    return at(shape.objects + slot * shape.stride);
  }

  /// Room for the next magazine of those that come with fresh slots.
  void* fresh_magazine(const BlockShape& shape) noexcept {
    return at(shape.magazines + fresh / shape.in_magazine * shape.magazine_bytes());
  }

  /// The least generation that none of the slots has used; kLastGeneration + 1 when some have used them all.
  /// Requires that no object lives.
  std::uint64_t next_generation(const BlockShape& shape) noexcept {
    std::uint64_t least = 0;
    for (std::uint32_t slot = 0; slot != shape.slots; ++slot) {
      // relaxed: whoever closes a block is alone with it.
      const std::uint64_t of_slot = generation_of(word(slot).load(std::memory_order_relaxed));
      least = std::max(least, of_slot == 0 ? kLastGeneration + 1 : of_slot);
    }
    return least;
  }
};

static_assert(sizeof(SlotBlock) == BlockShape::kHeaderBytes);
static_assert(sizeof(SlotBlock::Word) == sizeof(SlotWord) && SlotBlock::Word::is_always_lock_free);

}  // namespace flux::inline FLUX_ABI::detail
