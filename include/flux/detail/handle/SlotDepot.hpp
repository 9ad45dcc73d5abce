#pragma once

#include <atomic>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/handle/SlotBlock.hpp>
#include <flux/detail/handle/SlotWord.hpp>

namespace flux::inline FLUX_ABI::detail {

// The blocks of a pool, and its free slots that no shard has: full magazines. SlotPool has the lock.
//
//   full_, empty_: magazines, the last one put first
//   fresh_: blocks with slots that were never handed out, linked by next_fresh
//   blocks_: all blocks, the last one opened first
//   magazines in full_ and empty_ == those that were filled with fresh slots, whoever has these now
//
// A block has magazines for all its slots, and a shard comes with two of its own: so there is an empty one
// whenever a shard brings a full one. Thus to destroy an object takes no memory, and a magazine moves with a
// few pointers.
class SlotDepot {
 public:
  explicit constexpr SlotDepot(const BlockShape& shape) noexcept : shape_(shape) {}

  /// A full magazine for an empty one, or nullptr: then there is none, and the empty one stays the caller's.
  Magazine* take_full(Magazine* empty) noexcept {
    return full_ == nullptr ? nullptr : exchange(full_, empty_, empty);
  }

  /// An empty magazine for a full one.
  Magazine* take_empty(Magazine* full) noexcept { return exchange(empty_, full_, full); }

  /// Fills the magazine with slots that were never used, to be taken in order; false when there are none.
  bool fill(Magazine& magazine) noexcept {
    if (fresh_ == nullptr) return false;
    SlotBlock& block = *fresh_;
    put(empty_, ::new (block.fresh_magazine(shape_)) Magazine);
    for (std::uint32_t i = shape_.in_magazine; i-- != 0; ++block.fresh)
      ::new (magazine.words() + i) SlotWord(slot_word(block.generation, block.index(block.fresh)));
    if (block.fresh == shape_.slots) fresh_ = block.next_fresh;
    return true;
  }

  void add(SlotBlock* block) noexcept {
    block->next_fresh = fresh_;
    fresh_ = block;
    // relaxed: written under the lock.
    block->next = blocks_.load(std::memory_order_relaxed);
    // release: pairs with the acquire in `blocks`; test/model fails without it (litmus/message).
    blocks_.store(block, std::memory_order_release);
  }

  /// All blocks so far, linked by next. Any thread, without the lock.
  SlotBlock* blocks() const noexcept {
    // acquire: pairs with the release in add; test/model fails without it (litmus/message).
    return blocks_.load(std::memory_order_acquire);
  }

  /// The equation above. With the lock.
  bool is_valid() const noexcept {
    std::uint32_t filled = 0, magazines = 0;
    for (SlotBlock* block = blocks(); block != nullptr; block = block->next)
      filled += block->fresh / shape_.in_magazine;
    for (Magazine* first : {full_, empty_})
      for (Magazine* magazine = first; magazine != nullptr; magazine = magazine->next) ++magazines;
    return magazines == filled;
  }

  /// Calls `visit(SlotWord)` for every free slot that was handed out before.
  template <class Visit>
  void for_each_word(Visit visit) const {
    for (Magazine* magazine = full_; magazine != nullptr; magazine = magazine->next)
      for (std::uint32_t i = 0; i != shape_.in_magazine; ++i) visit(magazine->words()[i]);
  }

 private:
  static void put(Magazine*& list, Magazine* magazine) noexcept {
    magazine->next = list;
    list = magazine;
  }

  /// Requires that the first list is not empty.
  static Magazine* exchange(Magazine*& from, Magazine*& to, Magazine* magazine) noexcept {
    Magazine* const taken = from;
    from = taken->next;
    put(to, magazine);
    return taken;
  }

  const BlockShape& shape_;
  Magazine* full_ = nullptr;
  Magazine* empty_ = nullptr;
  SlotBlock* fresh_ = nullptr;
  std::atomic<SlotBlock*> blocks_{nullptr};
};

}  // namespace flux::inline FLUX_ABI::detail
