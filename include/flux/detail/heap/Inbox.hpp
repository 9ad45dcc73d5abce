#pragma once

#include <atomic>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Chain.hpp>

namespace flux::inline FLUX_ABI::detail {

// Where other threads post chains of objects that belong to a thread heap: a stack of carriers that anyone
// pushes chains onto and whoever holds the heap's lock empties, whole. Neither operation follows a link it does not
// own, so there is no ABA.
class Inbox {
 public:
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
    if (is_empty()) return nullptr;
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

  /// Any thread. May be stale.
  bool is_empty() const noexcept {
    // relaxed: nothing is read behind it.
    return head_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  std::atomic<Carrier*> head_{nullptr};
};

}  // namespace flux::inline FLUX_ABI::detail
