#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/handle/SlotBlock.hpp>
#include <flux/detail/handle/SlotWord.hpp>

namespace flux::inline FLUX_ABI::detail {

// Where every block of the process lies and which pool owns it, by the block's number.
//
//   owner == a pool: `word` is the address of the block
//   owner == nullptr: the number was never taken (word 0), or is being opened or closed, or is retired, or is
//   free: then `word` is the first generation that no slot of any block of the number has used, above the
//   number of the next free block
//   numbers 1 to used_ have been taken; free ones are linked from free_, under a count that tells a head that
//   went and came back (ABA) from one that stayed
//
// A pool follows an address only where it finds itself as the owner, so another pool's memory is never read,
// may it go back meanwhile. A dead pool at the same address does no harm: it has struck itself out everywhere
// before it ended, and who made the new pool, and all that use it, came after that.
//
// 16 MiB of zeros, which no file holds, and of which only what is used is ever touched. Lock-free, so that a
// fork cannot leave it locked.
class BlockDirectory {
 public:
  struct Number {
    std::uint32_t number;      ///< 0: there is none
    std::uint64_t generation;  ///< for the first use of each slot
  };

  /// 0 and the last one, where kNoSlot would be, are none.
  static constexpr std::uint32_t kNumbers = (std::uint32_t{1} << kBlockBits) - 2;

  /// A number with at least this many generations left may be taken again.
  static constexpr std::uint64_t kLeastGenerations = std::uint64_t{1} << 32;

  /// The block that an index leads to if `owner` owns it, otherwise nullptr. Any index. Any thread.
  [[gnu::always_inline]] SlotBlock* find(std::uint32_t index, const void* owner) noexcept {
    // acquire: pairs with the release in open; the address and the block's words are visible; test/model fails
    // without it (litmus/message).
    if (std::atomic_ref(entry_of(index).owner).load(std::memory_order_acquire) != owner) [[unlikely]]
      return nullptr;
    return block(index);
  }

  /// The block that an index leads to. Requires that the caller's pool owns it.
  [[gnu::always_inline]] SlotBlock* block(std::uint32_t index) noexcept {
    // relaxed: as long as it has an owner it stays the same.
    const std::uint64_t word = std::atomic_ref(entry_of(index).word).load(std::memory_order_relaxed);
    if (word == 0) __builtin_unreachable();  // or the compiler tests for nullptr once more
    return reinterpret_cast<SlotBlock*>(static_cast<std::uintptr_t>(word));
  }

  /// A number for a new block. Any thread.
  Number take() noexcept {
    // acquire: pairs with the release in put; the link of the head is read below; test/model fails without it
    // (litmus/stack).
    std::uint64_t head = free_.load(std::memory_order_acquire);
    while (const std::uint32_t number = number_of(head)) {
      // relaxed: if another thread takes the number meanwhile, the word is stale and the exchange fails.
      const std::uint64_t word = std::atomic_ref(entries_[number].word).load(std::memory_order_relaxed);
      // acquire on failure: as at the load above; test/model fails without it (litmus/beaten). acquire on success:
      // not needed by itself, since the count lets it read only what gave `head` (litmus/stack).
      if (free_.compare_exchange_weak(head, pack(number_of(word), head), std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return {number, word >> kBlockBits};
      }
    }
    return take_unused();
  }

  /// From here on `owner` finds the block. Requires a number that the caller has taken.
  void open(std::uint32_t number, const void* owner, SlotBlock* block) noexcept {
    // relaxed: published by the owner.
    std::atomic_ref(entries_[number].word)
        .store(reinterpret_cast<std::uintptr_t>(block), std::memory_order_relaxed);
    // release: pairs with the acquire in find; test/model fails without it (litmus/message).
    std::atomic_ref(entries_[number].owner).store(owner, std::memory_order_release);
  }

  /// From here on nobody finds the block; the number may be taken again, if enough generations are left from
  /// `generation` on. Requires that no other thread uses the owner.
  void close(std::uint32_t number, std::uint64_t generation) noexcept {
    // relaxed: other pools' threads only see that they are not meant, as before.
    std::atomic_ref(entries_[number].owner).store(nullptr, std::memory_order_relaxed);
    if (generation <= kLastGeneration + 1 - kLeastGenerations) put(number, generation);
  }

  /// Makes a number free that the caller has taken, and that has no owner.
  void put(std::uint32_t number, std::uint64_t generation) noexcept {
    // relaxed: only the value is needed; what lies behind the old head is not read.
    std::uint64_t head = free_.load(std::memory_order_relaxed);
    do {
      // relaxed: published by the exchange.
      std::atomic_ref(entries_[number].word)
          .store(generation << kBlockBits | number_of(head), std::memory_order_relaxed);
      // release: pairs with the acquire in take; test/model fails without it (litmus/stack). relaxed on failure: the
      // loop tries again.
    } while (!free_.compare_exchange_weak(head, pack(number, head), std::memory_order_release,
                                          std::memory_order_relaxed));
  }

 private:
  // Plain members, for atomic_ref: a million atomic ones would take the compiler a while to initialise.
  struct alignas(16) Entry {
    const void* owner;
    alignas(sizeof(std::uint64_t)) std::uint64_t word;
  };

  /// entries_[block_of(index)], in a shift and a mask: they stand between a handle and its object.
  [[gnu::always_inline]] Entry& entry_of(std::uint32_t index) noexcept {
    constexpr unsigned kShift = kSlotBits - 4;
    const std::size_t bytes = index >> kShift & ~std::size_t{sizeof(Entry) - 1};
    return *reinterpret_cast<Entry*>(reinterpret_cast<std::byte*>(entries_.data()) + bytes);
  }

  static std::uint32_t number_of(std::uint64_t packed) noexcept {
    return static_cast<std::uint32_t>(packed & ((std::uint64_t{1} << kBlockBits) - 1));
  }

  static std::uint64_t pack(std::uint32_t number, std::uint64_t previous) noexcept {
    return ((previous >> kBlockBits) + 1) << kBlockBits | number;
  }

  Number take_unused() noexcept {
    // relaxed, both: the number stands for itself.
    std::uint32_t used = used_.load(std::memory_order_relaxed);
    while (used != kNumbers) {
      if (used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed)) return {used + 1, 1};
    }
    return {0, 0};
  }

  std::array<Entry, std::size_t{1} << kBlockBits> entries_{};
  std::atomic<std::uint64_t> free_{0};
  std::atomic<std::uint32_t> used_{0};

  static_assert(sizeof(void*) <= sizeof(std::uint64_t) && sizeof(Entry) == 16);
  static_assert(kGenerationBits + kBlockBits <= 64);
};

/// All zeros, or a program would carry 16 MiB of it in its file.
inline constinit BlockDirectory block_directory{};

}  // namespace flux::inline FLUX_ABI::detail
