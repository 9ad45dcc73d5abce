#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/base/Tools.hpp>

namespace flux::inline FLUX_ABI::detail {

// A chain is some free objects on their way home to the thread heap that owns them, as one unit. It needs
// no memory of its own: some of its objects are carriers, whose first word links to the next carrier and
// whose other words hold the addresses of objects that are not touched at all. The owner thus reads one line
// for several objects; 64-byte objects need one carrier for eight.
//
// A carrier has carried_by(stride) places, all filled but for the first carrier's of a chain: there a null
// ends them. In a checked build all these words are encoded, by where they lie, so that one which a program overwrites
// leads nowhere. The lowest bit of the last carrier's link is set once the chain is posted, so that chains can be counted.
struct Carrier {
  static constexpr std::size_t kMostCarried = 31;

  std::uintptr_t next;

  explicit Carrier(Carrier* following) noexcept { link(following); }

  /// Has the chain go on with `following`, or end with nullptr.
  void link(Carrier* following) noexcept { next = coded(&next, reinterpret_cast<std::uintptr_t>(following)); }

  /// Ends a posted chain, before `rest`, which may be nullptr.
  void end_chain(Carrier* rest) noexcept { next = coded(&next, reinterpret_cast<std::uintptr_t>(rest) | 1); }
  bool ends_chain() const noexcept { return (coded(&next, next) & 1) != 0; }

  /// The next carrier, whether it is of the same chain or of another.
  Carrier* following() const noexcept {
    return reinterpret_cast<Carrier*>(coded(&next, next) & ~std::uintptr_t{1});
  }

  /// Calls `visit(void*)` for the carrier itself and each object it carries, in `places_count` places at most.
  template <class Visit>
  void for_each(std::size_t places_count, Visit visit) {
    visit(this);
    for (std::uintptr_t* place = places(); places_count != 0; ++place, --places_count) {
      void* const object = get(place);
      if (object == nullptr) return;
      visit(object);
    }
  }

  std::uintptr_t* places() noexcept { return &next + 1; }
  static void* get(const std::uintptr_t* place) noexcept {
    return reinterpret_cast<void*>(coded(place, *place));
  }
  static void set(std::uintptr_t* place, const void* object) noexcept {
    *place = coded(place, reinterpret_cast<std::uintptr_t>(object));
  }

  /// Places in a carrier of `stride` bytes.
  static constexpr std::size_t carried_by(std::size_t stride) noexcept {
    const std::size_t places = stride / sizeof(void*) - 1;
    return places < kMostCarried ? places : kMostCarried;
  }

 private:
  /// To the code of a word, and back.
  static std::uintptr_t coded(const std::uintptr_t* at, std::uintptr_t word) noexcept {
    return FLUX_CHECKED ? word ^ reinterpret_cast<std::uintptr_t>(at) * std::uintptr_t{0x9E37'79B9} : word;
  }
};

// A chain being filled by the thread that frees.
//
//   empty: first_ == last_ == nullptr, place_ == places_end_
//   else:  [place_, places_end_) are the first carrier's unfilled places
//   room_: bytes that may still come, where an object counts for at least kLeastWeight; full when none
class Chain {
 public:
  static constexpr std::int32_t kWeight = 64 << 10;  ///< a full chain: 64 objects, fewer when they are large
  static constexpr std::int32_t kLeastWeight = kWeight / 64;

  bool is_empty() const noexcept { return first_ == nullptr; }
  bool is_full() const noexcept { return room_ <= 0; }

  /// Adds a free object of `stride` bytes.
  void add(void* object, std::size_t stride) noexcept {
    if (place_ != places_end_) {
      Carrier::set(place_++, object);
    } else {
      const std::size_t places = Carrier::carried_by(stride);
      open_free(object, sizeof(Carrier) + places * sizeof *place_);
      first_ = ::new (object) Carrier(first_);
      if (last_ == nullptr) last_ = first_;
      place_ = first_->places();
      places_end_ = place_ + places;
    }
    const auto weight = static_cast<std::int32_t>(stride);
    room_ -= weight < kLeastWeight ? kLeastWeight : weight;
  }

  /// Calls `visit(void*)` for each object. `stride_of_object(void*)` is its stride.
  template <class Visit, class Stride>
  void for_each(Visit visit, Stride stride_of_object) const {
    for (Carrier* carrier = first_; carrier != nullptr; carrier = carrier->following()) {
      const std::size_t unfilled = carrier == first_ ? static_cast<std::size_t>(places_end_ - place_) : 0;
      carrier->for_each(Carrier::carried_by(stride_of_object(carrier)) - unfilled, visit);
    }
  }

  /// Ends the first carrier's places, hands its carriers to `post(first, last)` and is empty again.
  template <class Post>
  void close(Post post) noexcept {
    if (is_empty()) return;
    if (place_ != places_end_) Carrier::set(place_, nullptr);
    Carrier* const first = first_;
    Carrier* const last = last_;
    *this = Chain{};
    post(first, last);
  }

 private:
  Carrier* first_ = nullptr;
  Carrier* last_ = nullptr;
  std::uintptr_t* place_ = nullptr;
  std::uintptr_t* places_end_ = nullptr;
  std::int32_t room_ = kWeight;
};

}  // namespace flux::inline FLUX_ABI::detail
