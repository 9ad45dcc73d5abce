#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/slab/Slab.hpp>

namespace flux::inline FLUX_ABI::detail {

inline constexpr unsigned char kFreeByte = 0xDB;

inline void fill_free(void* object, std::size_t bytes) noexcept {
  if constexpr (FLUX_CHECKED) std::memset(object, kFreeByte, bytes);
}

/// Requires whole words.
inline bool is_filled(const void* object, std::size_t bytes) noexcept {
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

// What a checked build knows of the objects of a slab besides their being home: four bits for each, behind the slab's
// bitmap.
//
//   given: the owner of the slab handed it out, and has not had it back from its own thread
//   returned: another thread freed it since
//   used: it was handed out before, and so holds the pattern of free objects whenever it is free
//   short: whoever has it asked for less than a whole object; Slack says how much
//   an object is live  <=>  it is given and not returned
//
// The owner alone writes all but `returned`, with plain moves; a free of another thread is one atomic operation on
// `returned`, which tells of two such threads who came first. A free by the owner at the same instant as one by another
// thread may pass both: then its bit in the bitmap is found set.
class Marks {
 public:
  Marks(Slab& slab, std::uint32_t index) noexcept
      : words_(slab.marks() + index / 64), set_(slab.bitmap_words()), bit_(std::uint64_t{1} << index % 64) {}

  bool is_live() const noexcept { return has(kGiven) && !has(kReturned); }
  bool is_used() const noexcept { return has(kUsed); }
  bool is_short() const noexcept { return has(kShort); }

  // relaxed, but where said otherwise: the object's own way from thread to thread orders what is done with it.

  /// The owner hands the object out.
  void give(bool is_short) noexcept {
    if (has(kReturned)) word(kReturned).fetch_and(~bit_, std::memory_order_relaxed);
    set(kGiven);
    set(kUsed);
    if (is_short != has(kShort)) flip(kShort);
  }

  /// The owner's own thread frees it.
  void take_back() noexcept {
    flip(kGiven);
  }

  /// Another thread frees it; false when one was first.
  bool take_back_remote() noexcept {
    return (word(kReturned).fetch_or(bit_, std::memory_order_relaxed) & bit_) == 0;
  }

 private:
  static constexpr std::size_t kGiven = 0, kReturned = 1, kUsed = 2, kShort = 3;

  std::atomic_ref<std::uint64_t> word(std::size_t which) const noexcept {
    return std::atomic_ref(words_[which * set_]);
  }
  bool has(std::size_t which) const noexcept {
    return (word(which).load(std::memory_order_relaxed) & bit_) != 0;
  }
  void set(std::size_t which) noexcept {
    word(which).store(word(which).load(std::memory_order_relaxed) | bit_, std::memory_order_relaxed);
  }
  void flip(std::size_t which) noexcept {
    word(which).store(word(which).load(std::memory_order_relaxed) ^ bit_, std::memory_order_relaxed);
  }

  std::uint64_t* words_;
  std::size_t set_;  ///< words of a set
  std::uint64_t bit_;
};

}  // namespace flux::inline FLUX_ABI::detail
