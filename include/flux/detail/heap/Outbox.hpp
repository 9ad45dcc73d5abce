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
//   last_: of the owner whose object was added last; nullptr before the first
//   All zero at first: thread-local storage that is not is written, and resident, for every thread that there is.
class Outbox {
 public:
  /// Adds an object that lies beside the last, and has the same owner for that; false, with nothing done, for another. To be followed by
  /// post_if_full.
  [[gnu::always_inline]] bool add_neighbour(void* object, unsigned size_class) noexcept {
    return last_ != nullptr && last_->chain.add_neighbour(object, size_class);
  }
  [[gnu::always_inline]] void post_if_full() noexcept {
    if (last_->chain.is_full()) [[unlikely]]
      post_last();
  }

  /// Adds another object of `owner`, where a chain for the owner has been begun before; false when there is none. To be followed by
  /// post_if_full.
  [[gnu::always_inline]] bool add_if_known(ThreadHeap* owner, void* object, unsigned size_class) noexcept {
    for (OwnerChain& entry : sets_[set_of(owner)]) {
      if (entry.owner == owner) return add_to(entry, object, size_class), true;
    }
    return false;
  }

  /// Adds any object of `owner`; posts the chain when it is full.
  void add(ThreadHeap* owner, void* object, unsigned size_class) noexcept {
    if (!add_neighbour(object, size_class)) add_to(entry_of(owner), object, size_class);
    post_if_full();
  }

  /// Posts every chain, however short.
  void flush() noexcept {
    if (!is_used_) return;
    for (Set& set : sets_) {
      for (OwnerChain& entry : set) post(entry.chain, entry.owner);
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

  /// Posts a single object at once, for a thread whose Outbox will not be flushed any more.
  void post_one(ThreadHeap* owner, void* object, unsigned size_class) const noexcept {
    Chain chain;
    chain.add_apart(object, size_class);
    post(chain, owner);
  }

 private:
  /// Posts the chain; helps where the owner does not attend to its heap. `is_short`: it had to make room for another.
  void post(Chain& chain, ThreadHeap* owner, bool is_short = false) const noexcept {
    if constexpr (FLUX_TRACE) trace_post(chain, owner);
    chain.close([=, this](Carrier* first, Carrier* last) {
      if (!owner->post_remote(first, last, is_short) || must_not_help_ || !foreign_work.begin(*owner)) return;
      owner->help();
      foreign_work.end();
    });
  }

  static std::size_t stride_at(void* object) noexcept { return Region::slab_of(object).stride; }
  static void trace_post(const Chain& chain, const ThreadHeap* owner) noexcept {
    std::size_t count = 0;
    chain.for_each([&count](void*) { ++count; }, stride_at);
    if (count != 0) trace(TraceEvent::kPost, owner, 0, count);
  }

  /// An object that does not lie beside the last, but perhaps beside the last of this owner.
  [[gnu::always_inline]] void add_to(OwnerChain& known, void* object, unsigned size_class) noexcept {
    if (last_ != &known) {
      last_ = &known;
      if (known.chain.add_neighbour(object, size_class)) return;
    }
    known.chain.add_apart(object, size_class);
  }

  [[gnu::noinline]] void post_last() noexcept { post(last_->chain, last_->owner); }

  static constexpr std::size_t kSets = 16;
  using Set = std::array<OwnerChain, 4>;

  OwnerChain& entry_of(ThreadHeap* owner) noexcept {
    const std::size_t number = set_of(owner);
    Set& set = sets_[number];
    for (OwnerChain& entry : set) {
      if (entry.owner == owner) return entry;
    }
    OwnerChain& entry = set[turns_[number]++ % set.size()];  // the empty ones first
    post(entry.chain, entry.owner, true);
    entry.owner = owner;
    is_used_ = true;
    return entry;
  }

  OwnerChain* last_ = nullptr;
  bool must_not_help_ = false;
  bool is_used_ = false;  ///< an entry has an owner; else nothing of sets_ need be touched, nor be resident
  std::array<std::uint8_t, kSets> turns_{};
  std::array<Set, kSets> sets_{};
};

}  // namespace flux::inline FLUX_ABI::detail
