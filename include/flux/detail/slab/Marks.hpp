#pragma once

#include <atomic>
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
  Marks(Slab& slab, std::uint32_t index) noexcept
      : states_(slab.marks()[index / 32]),
        returned_(slab.marks()[2 * slab.bitmap_words() + index / 64]),
        shift_(index % 32 * 2),
        bit_(std::uint64_t{1} << index % 64) {}

  bool is_live() const noexcept { return state() >= kWhole && !is_returned(); }
  bool is_used() const noexcept { return state() != kNew; }
  bool is_short() const noexcept { return state() == kShort; }

  /// Whether it is live, and no less than all of it was asked for.
  bool is_whole_and_live() const noexcept { return state() == kWhole && !is_returned(); }

  // relaxed, but where said otherwise: the object's own way from thread to thread orders what is done with it.

  /// The owner hands the object out.
  void give(bool is_short) noexcept {
    if (is_returned()) [[unlikely]]
      returned_.fetch_and(~bit_, std::memory_order_relaxed);
    set_state(is_short ? kShort : kWhole);
  }

  /// The owner's own thread frees it.
  void take_back() noexcept { set_state(kFree); }

  /// Another thread frees it; false when one was first.
  bool take_back_remote() noexcept { return (returned_.fetch_or(bit_, std::memory_order_relaxed) & bit_) == 0; }

 private:
  static constexpr std::uint64_t kNew = 0, kFree = 1, kWhole = 2, kShort = 3;

  bool is_returned() const noexcept { return (returned_.load(std::memory_order_relaxed) & bit_) != 0; }
  std::uint64_t state() const noexcept { return states_.load(std::memory_order_relaxed) >> shift_ & 3; }
  void set_state(std::uint64_t state) noexcept {
    const std::uint64_t others = states_.load(std::memory_order_relaxed) & ~(std::uint64_t{3} << shift_);
    states_.store(others | state << shift_, std::memory_order_relaxed);
  }

  std::atomic_ref<std::uint64_t> states_;
  std::atomic_ref<std::uint64_t> returned_;
  std::uint32_t shift_;
  std::uint64_t bit_;
};

}  // namespace flux::inline FLUX_ABI::detail
