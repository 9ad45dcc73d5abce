#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/slab/Region.hpp>

namespace flux::inline FLUX_ABI::detail {

// The slabs of one class that have objects at home, in eight lists by how many: refills take from the
// fullest, so that sparse slabs drain and become unused.
//
//   a slab is listed  <=>  slab.free != 0, and then in list slab.free >> slab.list_shift
//   bit b of filled_ is set  <=>  list b is not empty
class PartialSlabs {
 public:
  /// A slab with as few objects at home as there are, or nullptr.
  Slab* fullest() const noexcept {
    return filled_ == 0 ? nullptr : heads_[static_cast<unsigned>(std::countr_zero(filled_))];
  }

  /// The same, but of equally full ones the neighbour of `previous`, a slab that a refill has just emptied:
  /// walking objects in the order they were handed out then follows the addresses for many slabs on end.
  /// Requires that `previous` is nullptr or a slab of this class.
  Slab* next_after(Slab* previous) const noexcept {
    Slab* const best = fullest();
    if (best == nullptr || previous == nullptr) return best;
    Slab* const neighbour = Region::slab_behind(*previous);
    if (neighbour == nullptr || neighbour->list != best->list || neighbour->size_class != best->size_class)
      return best;
    return neighbour;
  }

  /// Puts the slab where its count belongs, or takes it off when nothing of it is home.
  void update(Slab& slab) noexcept {
    const std::uint8_t list = slab.free == 0 ? Slab::kNotListed : list_of(slab);
    if (list == slab.list) return;
    remove(slab);
    if (list != Slab::kNotListed) insert(slab, list);
  }

  /// The same, and first of its list: the slab that a refill took from is the one the next refill goes on
  /// with.
  void update_first(Slab& slab) noexcept {
    remove(slab);
    if (slab.free != 0) insert(slab, list_of(slab));
  }

  void remove(Slab& slab) noexcept {
    if (slab.list == Slab::kNotListed) return;
    const unsigned index = slab.list - 1u;
    if (slab.next != nullptr) slab.next->previous = slab.previous;
    if (slab.previous != nullptr) {
      slab.previous->next = slab.next;
    } else {
      heads_[index] = slab.next;
      if (slab.next == nullptr) filled_ = static_cast<std::uint8_t>(filled_ & ~(1u << index));
    }
    slab.list = Slab::kNotListed;
  }

  /// The equations above, and those of every listed slab.
  bool is_valid() const noexcept {
    for (unsigned i = 0; i != heads_.size(); ++i) {
      if (((filled_ >> i) & 1) != (heads_[i] != nullptr)) return false;
      const Slab* previous = nullptr;
      for (const Slab* s = heads_[i]; s != nullptr; previous = s, s = s->next) {
        if (s->list != i + 1 || s->previous != previous || s->free == 0 || list_of(*s) != s->list)
          return false;
        if (!s->is_valid()) return false;
      }
    }
    return true;
  }

 private:
  static std::uint8_t list_of(const Slab& slab) noexcept {
    return static_cast<std::uint8_t>((slab.free >> slab.list_shift) + 1);
  }

  void insert(Slab& slab, std::uint8_t list) noexcept {
    Slab*& head = heads_[list - 1u];
    slab.previous = nullptr;
    slab.next = head;
    if (head != nullptr) head->previous = &slab;
    head = &slab;
    filled_ = static_cast<std::uint8_t>(filled_ | 1u << (list - 1u));
    slab.list = list;
  }

  std::array<Slab*, 8> heads_{};
  std::uint8_t filled_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
