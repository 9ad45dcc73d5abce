#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/Misuse.hpp>
#include <flux/detail/heap/Chain.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/slab/Marks.hpp>
#include <flux/detail/slab/SlabSource.hpp>

namespace flux::inline FLUX_ABI::detail {

// Objects that came home to a thread heap through its inbox, and wait to be put into their slabs. What takes them apart
// stops after some hundred, so that no call does unbounded work; the rest waits here. Of whoever holds the heap's lock.
//
//   pending_: carriers of whole chains, taken out of the inbox and not yet apart
class Arrivals {
 public:
  static constexpr std::size_t kMostTaken = 512;
  using Objects = std::array<void*, kMostTaken + Carrier::kMostCarried>;

  bool is_empty() const noexcept { return pending_ == nullptr; }
  Carrier* peek() const noexcept { return pending_; }

  /// Chains taken apart, from the beginning on. Any thread.
  std::uint64_t chains() const noexcept { return chains_; }

  /// What waits goes on, or what has come to the inbox since: at most kMostTaken objects, and those of the carrier that
  /// reaches that number. Returns their end in `objects`. `source` and `tag` are the heap's.
  void** take(Inbox& inbox, const SlabSource& source, const char* tag, Objects& objects) noexcept {
    if (pending_ == nullptr) pending_ = inbox.take_all();
    void** end = objects.data();
    while (pending_ != nullptr && end < objects.data() + kMostTaken) {
      Carrier* const carrier = pending_;
      pending_ = carrier->following();
      if (carrier->ends_chain()) chains_ += 1;
      __builtin_prefetch(pending_);
      const std::size_t places = Carrier::carried_by(Region::slab_of(carrier).stride);
      [[maybe_unused]] void** const begin = end;
      end = unload(carrier, places, end);
      if constexpr (FLUX_CHECKED) {
        const auto words = std::min(static_cast<std::size_t>(end - begin) + 1, 1 + places);  // with the null
        if (is_overwritten(source, carrier, begin, end, tag)) end = begin;
        fill_free(carrier, words * sizeof(void*));
      }
    }
    return end;
  }

 private:
  /// Writes what a carrier carries, the last first, and then its own address; returns the end. The carriers of a chain, and chains,
  /// come the last first: objects that were freed by ascending addresses are then neighbours all through.
  static void** unload(Carrier* carrier, std::size_t places, void** const begin) noexcept {
    std::size_t count = 0;
    for (; count != places; ++count) {
      void* const object = Carrier::get(carrier->places() + count);
      if (object == nullptr) break;
      begin[places - 1 - count] = object;
    }
    if (count != places) std::copy(begin + (places - count), begin + places, begin);  // a chain's first
    begin[count] = carrier;
    return begin + count + 1;
  }

  /// In a checked build: whether a word of a carrier leads out of the heap. What it carries, and what follows, is lost then.
  bool is_overwritten(const SlabSource& source, const Carrier* carrier, void* const* begin, void* const* end,
                      const char* tag) noexcept {
    const bool is_good = (pending_ == nullptr || source.holds(pending_)) &&
                         std::all_of(begin, end, [&source](void* object) { return source.holds(object); });
    if (is_good) [[likely]]
      return false;
    report_misuse({"collect", "a free object was written to: its link leads nowhere", carrier, 0, tag});
    pending_ = nullptr;
    return true;
  }

  Carrier* pending_ = nullptr;
  Count<std::uint64_t> chains_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
