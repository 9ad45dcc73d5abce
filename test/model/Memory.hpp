#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "Clock.hpp"

namespace model {

// One store to an atomic location, in the order in which they were made, which is taken for the modification order.
struct Store {
  std::uint64_t value;
  Clock released;  ///< what an acquire that reads it comes after; of its whole release sequence
  bool is_sc;
};

struct Access {
  Time time;
  std::size_t store;  ///< that was read or made
};

// An atomic location.
//
//   stores[0] is what was there when the execution first came by, or what it was constructed with
//   accesses[t]: what thread t read and wrote, in its order
struct Location {
  const void* address = nullptr;
  std::size_t maker = 0;  ///< thread that constructed it, at made_at
  Time made_at = 0;
  std::vector<Store> stores;
  std::array<std::vector<Access>, kThreads> accesses;

  void begin(const void* at, std::uint64_t value, std::size_t thread, Time time) {
    address = at;
    maker = thread;
    made_at = time;
    stores.assign(1, Store{value, {}, false});
    for (auto& of_thread : accesses) of_thread.clear();
  }

  /// The oldest store that a thread with this clock may still read: coherence forbids what is older than a store
  /// that comes before the read, or that was read by something that comes before it.
  std::size_t oldest_readable(const Clock& now, bool is_sc) const noexcept {
    std::size_t oldest = 0;
    for (std::size_t t = 0; t != kThreads; ++t) {
      for (auto access = accesses[t].rbegin(); access != accesses[t].rend(); ++access) {
        if (!now.covers(t, access->time)) continue;
        oldest = std::max(oldest, access->store);
        break;
      }
    }
    for (std::size_t s = stores.size(); is_sc && s-- > oldest;)
      if (stores[s].is_sc) return s;
    return oldest;
  }

  /// Whether all that was done with it comes before.
  bool is_over(const Clock& now) const noexcept {
    for (std::size_t t = 0; t != kThreads; ++t)
      if (!accesses[t].empty() && !now.covers(t, accesses[t].back().time)) return false;
    return now.covers(maker, made_at);
  }
};

// A location that is not atomic: who wrote it last, and when each thread read it.
struct Plain {
  const void* address = nullptr;
  std::size_t writer = 0;
  Time written = 0;
  std::array<Time, kThreads> read{};

  bool may_read(const Clock& now) const noexcept { return now.covers(writer, written); }
  bool may_write(const Clock& now) const noexcept {
    for (std::size_t t = 0; t != kThreads; ++t)
      if (!now.covers(t, read[t])) return false;
    return may_read(now);
  }
};

// Elements that are found by address, kept from one execution to the next so that nothing is allocated.
template <class Element>
class Table {
 public:
  void clear() noexcept { used_ = 0; }

  Element* find(const void* address) noexcept {
    for (std::size_t i = used_; i-- != 0;)
      if (elements_[i].address == address) return &elements_[i];
    return nullptr;
  }

  Element& add() {
    if (used_ == elements_.size()) elements_.emplace_back();
    return elements_[used_++];
  }

  void remove(Element& element) noexcept { std::swap(element, elements_[--used_]); }

 private:
  std::vector<Element> elements_;
  std::size_t used_ = 0;
};

constexpr bool is_acquire(std::memory_order order) noexcept {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
constexpr bool is_release(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace model
