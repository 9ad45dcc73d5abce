#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Trace.hpp>
#include <flux/detail/heap/ForeignWork.hpp>

namespace flux::inline FLUX_ABI::detail {

struct OwnerChain {
  ThreadHeap* owner = nullptr;
  Chain chain;
};

// The chains a thread is filling with objects of other thread heaps, one per owner, for up to 64 owners at a
// time: sets of four places, of which an owner may have any one. A fifth owner in a set posts the chain of
// another, in the set's turn.
//
//   turn_: runs posted by themselves
//   All zero at first: thread-local storage that is not is written, and resident, for every thread that there is.
class Outbox {
 public:
  /// Sends a run of `owner`'s on its way: at once, where it is worth a post by itself, else with others.
  void add(ThreadHeap* owner, ObjectRun run, unsigned size_class) noexcept {
    if (2 * Chain::weight_of(run.count(), size_class) >= Chain::kWeight) return post(owner, run, size_class);
    add(entry_of(owner), run, run.count(), size_class);
  }

  /// The owner's chain; nullptr where none has been begun.
  [[gnu::always_inline]] OwnerChain* find(ThreadHeap* owner) noexcept {
    for (OwnerChain& entry : sets_[set_of(owner)])
      if (entry.owner == owner) return &entry;
    return nullptr;
  }
  /// The owner's chain, begun where there was none.
  OwnerChain& entry_of(ThreadHeap* owner) noexcept {
    OwnerChain* const known = find(owner);
    return known == nullptr ? make_room(owner) : *known;
  }

  /// Adds a run of so many objects to it; posts it when it is full.
  [[gnu::always_inline]] void add(OwnerChain& entry, ObjectRun run, std::uint32_t count,
                                  unsigned size_class) noexcept {
    entry.chain.add(run, count, size_class);
    post_if_full(entry);
  }
  [[gnu::always_inline]] void post_if_full(OwnerChain& entry) noexcept {
    if (entry.chain.is_full()) [[unlikely]]
      post(entry);
  }

  /// Posts a run at once.
  [[gnu::noinline]] void post(ThreadHeap* owner, ObjectRun run, unsigned size_class) noexcept {
    if constexpr (FLUX_TRACE) trace(TraceEvent::kPost, owner, 0, run.count());
    if (!owner->try_post_remote(run, turn_++)) {
      Chain chain;
      chain.add(run, run.count(), size_class);
      chain.close([owner](Carrier* first, Carrier* last) { owner->post_remote(first, last); });
    }
    help(*owner, false);
  }

  /// Posts every chain, however short.
  void flush() noexcept {
    if (!is_used_) return;
    for (Set& set : sets_) {
      for (OwnerChain& entry : set) post(entry);
    }
  }

  /// The same, and knows no owner any more.
  void close() noexcept {
    if (!is_used_) return;
    flush();
    for (Set& set : sets_) set = {};
    turns_ = {};
    is_used_ = false;
  }

  /// Calls `visit(void*)` for each object in it. While its thread is not at work.
  template <class Visit>
  void for_each(Visit visit) const {
    if (!is_used_) return;
    for (const Set& set : sets_) {
      for (const OwnerChain& entry : set) entry.chain.for_each(visit, stride_at);
    }
  }

  /// Whether the thread does what comes with help: calls to the system, at times.
  void set_may_help(bool may_help) noexcept { must_not_help_ = !may_help; }

  /// Whose four places an owner shares. Heaps lie at multiples of a power of two: the product spreads the bits that
  /// differ, its top four choose.
  static std::size_t set_of(const ThreadHeap* owner) noexcept {
    const std::uint64_t region = reinterpret_cast<std::uintptr_t>(owner) / kRegionBytes;
    return static_cast<std::size_t>((region * 0x9E37'79B9'7F4A'7C15) >> 60);
  }

 private:
  /// Posts a chain, unless it is empty. `is_short`: it had to make room for another.
  [[gnu::noinline]] void post(OwnerChain& entry, bool is_short = false) const noexcept {
    if constexpr (FLUX_TRACE) trace_post(entry);
    entry.chain.close([this, owner = entry.owner, is_short](Carrier* first, Carrier* last) {
      owner->post_remote(first, last);
      help(*owner, is_short);
    });
  }

  /// After a post: helps where the owner does not attend to its heap.
  void help(ThreadHeap& owner, bool is_short) const noexcept {
    if (owner.note_post(is_short) || must_not_help_ || !foreign_work.begin(owner)) return;
    owner.help();
    foreign_work.end();
  }

  static std::size_t stride_at(void* object) noexcept { return Region::slab_of(object).stride; }
  static void trace_post(const OwnerChain& entry) noexcept {
    std::size_t count = 0;
    entry.chain.for_each([&count](void*) { ++count; }, stride_at);
    if (count != 0) trace(TraceEvent::kPost, entry.owner, 0, count);
  }

  static constexpr std::size_t kSets = 16;
  using Set = std::array<OwnerChain, 4>;

  [[gnu::noinline]] OwnerChain& make_room(ThreadHeap* owner) noexcept {
    const std::size_t number = set_of(owner);
    Set& set = sets_[number];
    OwnerChain& entry = set[turns_[number]++ % set.size()];  // the empty ones first
    post(entry, true);
    entry.owner = owner;
    is_used_ = true;
    return entry;
  }

  bool must_not_help_ = false;
  bool is_used_ = false;  ///< an entry has an owner; else nothing of sets_ need be touched, nor be resident
  std::uint8_t turn_ = 0;
  std::array<std::uint8_t, kSets> turns_{};
  std::array<Set, kSets> sets_{};
};

}  // namespace flux::inline FLUX_ABI::detail
