#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Chain.hpp>

namespace flux::inline FLUX_ABI::detail {

// Where other threads post objects that belong to a thread heap: a stack of carriers that anyone
// pushes chains onto and whoever holds the heap's lock empties, whole; and, before it, some places for runs that come by themselves, so that
// neither side touches any of their objects. Neither operation follows a link it does not own, so there is no ABA.
//
//   runs_[i] == 0, or the word of a run that has not been taken
class Inbox {
 public:
  static constexpr std::size_t kPlaces = 4;  ///< in one line with the head and with Attendance

  /// Any thread. Posts a run; false, with nothing done, where there is no place for it. `turn` says where to look first.
  bool try_post_remote(ObjectRun run, std::size_t turn) noexcept {
    for (std::size_t i = 0; i != kPlaces; ++i) {
      std::atomic<std::uintptr_t>& place = runs_[(turn + i) % kPlaces];
      std::uintptr_t none = 0;
      // release: pairs with the acquire in take_runs, as that of post_remote does (litmus/message); test/model fails without it. relaxed on
      // failure: nothing is read behind it.
      if (place.compare_exchange_strong(none, run.word(), std::memory_order_release,
                                        std::memory_order_relaxed))
        return true;
    }
    return false;
  }

  /// Whoever holds the heap's lock. Hands each run posted by itself to `take(ObjectRun)`.
  template <class Take>
  void take_runs(Take take) noexcept {
    for (std::atomic<std::uintptr_t>& place : runs_) {
      // acquire: pairs with the release in try_post_remote; test/model fails without it.
      const std::uintptr_t word = place.load(std::memory_order_acquire);
      if (word == 0) continue;
      // relaxed: nobody else writes to a place that is not 0, and who finds 0 there reads nothing behind it.
      place.store(0, std::memory_order_relaxed);
      take(ObjectRun::of_word(word));
    }
  }

  /// Any thread. Posts the carriers first..last, linked already.
  void post_remote(Carrier* first, Carrier* last) noexcept {
    // relaxed: the link is only written, never followed, here; the exchange below decides whether it is true.
    Carrier* head = head_.load(std::memory_order_relaxed);
    do {
      last->end_chain(head);
      // release: pairs with the acquire in take_all, so that the taker sees the links, and with them
      // everything that the posting thread did to the objects; test/model fails without it (litmus/inbox). relaxed on
      // failure: the loop only tries again.
    } while (!head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed));
  }

  /// Whoever holds the heap's lock. All carriers posted so far, linked, or nullptr.
  Carrier* take_all() noexcept {
    // relaxed: the exchange asks again.
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // acquire: pairs with the release in post_remote (litmus/inbox). Posts that came in between are read-modify-writes
    // too and continue the release sequence (litmus/sequence), so every chain in the stack is visible; test/model fails
    // without it.
    return head_.exchange(nullptr, std::memory_order_acquire);
  }

  /// What take_all would take. While no thread is at work with it.
  Carrier* peek() const noexcept {
    // relaxed: the caller sees to it that there is nobody to wait for.
    return head_.load(std::memory_order_relaxed);
  }
  /// The same for take_runs: calls `visit(ObjectRun)`.
  template <class Visit>
  void peek_runs(Visit visit) const {
    for (const std::atomic<std::uintptr_t>& place : runs_) {
      const ObjectRun run = ObjectRun::of_word(place.load(std::memory_order_relaxed));
      if (!run.is_none()) visit(run);
    }
  }

  /// Any thread. May be stale.
  bool is_empty() const noexcept {
    // relaxed: nothing is read behind it.
    auto posted = reinterpret_cast<std::uintptr_t>(head_.load(std::memory_order_relaxed));
    for (const std::atomic<std::uintptr_t>& place : runs_) posted |= place.load(std::memory_order_relaxed);
    return posted == 0;
  }

 private:
  std::atomic<Carrier*> head_{nullptr};
  std::array<std::atomic<std::uintptr_t>, kPlaces> runs_{};
};

}  // namespace flux::inline FLUX_ABI::detail
