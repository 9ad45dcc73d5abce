#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/slab/Slab.hpp>

namespace flux::inline FLUX_ABI::detail {

inline constexpr unsigned char kFreeByte = 0xDB;

// Both inline, so that they know the size where their callers do.

[[gnu::always_inline]] inline void fill_free(void* object, std::size_t bytes) noexcept {
  if constexpr (FLUX_CHECKED) std::memset(object, kFreeByte, bytes);
}

/// Requires whole words.
[[gnu::always_inline]] inline bool is_filled(const void* object, std::size_t bytes) noexcept {
  constexpr std::uint64_t kWord = 0x0101'0101'0101'0101u * kFreeByte;
  std::uint64_t differences = 0;
  const auto* const begin = static_cast<const unsigned char*>(object);
  for (std::size_t at = 0; at != bytes; at += sizeof kWord) {
    std::uint64_t word;
    std::memcpy(&word, begin + at, sizeof word);
    differences |= word ^ kWord;
  }
  return differences == 0;
}

// What a checked build knows of the objects of a slab besides their being home: three bits for each, behind the slab's bitmap.
//
//   state, two bits: kNew; kFree, and so holding the pattern of free objects; kWhole or kShort: handed out by the slab's owner,
//   and not had back from its own thread; kShort where less was asked for than the object has, and Slack says how much
//   returned: another thread freed it since
//   an object is live  <=>  its state is kWhole or kShort, and it is not returned
//
// The owner alone writes states, with plain moves; a free of another thread is one atomic operation on `returned`, which tells of
// two such threads who came first. A free by the owner at the same instant as one by another thread may pass both: then its bit
// in the bitmap is found set.
class Marks {
 public:
  Marks(Slab& slab, std::uint32_t index) noexcept : Marks(slab.marks(), slab.bitmap_words(), index) {}

  /// Of a slab whose marks lie there.
  Marks(std::uint64_t* marks, std::size_t bitmap_words, std::uint32_t index) noexcept
      : states_(marks[index / 32]), returned_(marks[2 * bitmap_words + index / 64]), index_(index) {}

  bool is_live() const noexcept { return state() >= kWhole && !is_returned(); }
  bool is_used() const noexcept { return state() != kNew; }
  bool is_short() const noexcept { return state() == kShort; }

  // relaxed, but where said otherwise: the object's own way from thread to thread orders what is done with it.

  /// The owner hands the object out.
  void give(bool is_short) noexcept {
    if (is_returned()) [[unlikely]]
      returned_.fetch_and(~bit(), std::memory_order_relaxed);
    set_state(is_short ? kShort : kWhole);
  }

  /// The same for all of an object that its own thread freed, or that was never used; false, with nothing done, for another, and
  /// when `is_intact()` says no of one that was used before. Does not ask whether it is returned: only where two threads freed it
  /// at once is one so in these states, and that is noticed when it comes home.
  template <class IsIntact>
  bool try_give_whole(IsIntact is_intact) noexcept {
    const std::uint64_t states = turned_states();
    if ((states & 2) != 0 || ((states & 3) == kFree && !is_intact())) [[unlikely]]
      return false;
    turn_back_and_store((states & ~std::uint64_t{3}) | kWhole);
    return true;
  }

  /// The owner's own thread frees it.
  void take_back() noexcept { set_state(kFree); }

  /// The same where it is live, and no less than all of it was asked for; false, with nothing done, where it is not.
  bool try_take_back_whole() noexcept {
    const std::uint64_t states = turned_states();
    if ((states & 3) != kWhole || is_returned()) [[unlikely]]
      return false;
    turn_back_and_store(states ^ (kWhole ^ kFree));
    return true;
  }

  /// Another thread frees it; false when one was first.
  bool take_back_remote() noexcept {
    return (returned_.fetch_or(bit(), std::memory_order_relaxed) & bit()) == 0;
  }

 private:
  static constexpr std::uint64_t kNew = 0, kFree = 1, kWhole = 2, kShort = 3;

  std::uint64_t bit() const noexcept { return std::uint64_t{1} << index_ % 64; }
  bool is_returned() const noexcept {
    return (returned_.load(std::memory_order_relaxed) >> index_ % 64 & 1) != 0;
  }
  std::uint64_t state() const noexcept { return turned_states() & 3; }
  void set_state(std::uint64_t state) noexcept {
    turn_back_and_store((turned_states() & ~std::uint64_t{3}) | state);
  }

  // The word of its state, with this in the lowest bits: to turn and turn back takes the fewest instructions.
  std::uint64_t turned_states() const noexcept {
    return std::rotr(states_.load(std::memory_order_relaxed), static_cast<int>(2 * index_));
  }
  void turn_back_and_store(std::uint64_t states) noexcept {
    states_.store(std::rotl(states, static_cast<int>(2 * index_)), std::memory_order_relaxed);
  }

  std::atomic_ref<std::uint64_t> states_;
  std::atomic_ref<std::uint64_t> returned_;
  std::uint32_t index_;
};

}  // namespace flux::inline FLUX_ABI::detail
