#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Address.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/base/Tools.hpp>
#include <flux/detail/heap/OpenRun.hpp>
#include <flux/detail/slab/Marks.hpp>
#include <flux/detail/slab/ObjectRun.hpp>

namespace flux::inline FLUX_ABI::detail {

// A chain is some free objects on their way home to the thread heap that owns them, as one unit. It needs
// no memory of its own: some of its objects are carriers, which name runs of objects, a word for each: their first word links to the next
// carrier, and names the run that the carrier itself begins. Other objects are not touched at all. The owner thus reads one line for all 64
// objects that were freed in the order of their addresses; where each lies alone, it reads one for eight of 64 bytes.
//
// A carrier has carried_by(stride) places behind its link, all filled but for the first carrier's of a chain: there none
// ends them. In a checked build all these words are encoded, by where they lie, so that one which a program overwrites
// leads nowhere. The lowest bit of the last carrier's link is set once the chain is posted, so that chains can be counted.
//
//   the link: an ObjectRun but for its address, which is that of the next carrier;  a place: an ObjectRun
class Carrier {
 public:
  static constexpr std::size_t kMostCarried = 31;

  /// Of the run that it begins, and what comes behind it, which may be nullptr.
  Carrier(Carrier* following, ObjectRun run) noexcept
      : next_(coded(&next_,
                    (run.word() & ~ObjectRun::kAddress) | reinterpret_cast<std::uintptr_t>(following))) {}

  /// Ends a posted chain, before `rest`, which may be nullptr.
  void end_chain(Carrier* rest) noexcept {
    const std::uintptr_t run = coded(&next_, next_) & ~ObjectRun::kAddress;
    next_ = coded(&next_, run | reinterpret_cast<std::uintptr_t>(rest) | 1);
  }
  bool ends_chain() const noexcept { return (coded(&next_, next_) & 1) != 0; }

  /// The next carrier, whether it is of the same chain or of another.
  Carrier* following() const noexcept {
    return reinterpret_cast<Carrier*>(coded(&next_, next_) & ObjectRun::kAddress & ~std::uintptr_t{1});
  }

  /// The run that it begins.
  ObjectRun own() const noexcept {
    const std::uintptr_t run = coded(&next_, next_) & ~ObjectRun::kAddress;
    return ObjectRun::of_word(run | reinterpret_cast<std::uintptr_t>(this));
  }

  std::uintptr_t* link() noexcept { return &next_; }
  std::uintptr_t* places() noexcept { return &next_ + 1; }
  static ObjectRun get(const std::uintptr_t* place) noexcept {
    return ObjectRun::of_word(coded(place, *place));
  }
  static void set(std::uintptr_t* place, ObjectRun run) noexcept { *place = coded(place, run.word()); }
  /// Calls `visit(ObjectRun)` for its own run and each that it names, in `places_count` places at most.
  template <class Visit>
  void for_each_run(std::size_t places_count, Visit visit) {
    visit(own());
    for (std::uintptr_t* place = places(); places_count != 0; ++place, --places_count) {
      const ObjectRun run = get(place);
      if (run.is_none()) return;
      visit(run);
    }
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

  std::uintptr_t next_;
};

// A chain being filled by the thread that frees. No more is written than must be: while the line of a carrier comes, the processor goes on
// for as many words as it can hold back.
//
//   empty: first_ == last_ == nullptr, word_ == last_word_ == nullptr, end_ == 0
//   else:  word_ is the last that was written, of the first carrier;  those behind it, up to last_word_, are its unfilled places
//          (or, where a carrier was taken back, its link, and no place is unfilled)
//   end_: the place behind the run that was added last; 0 where that was taken back
//   weight_: bytes, where an object counts for at least kLeastWeight; full from kWeight on
//   All zero before the first object: see Outbox.
class Chain {
 public:
  /// A full chain: 64 objects, fewer when they are large.
  static constexpr std::uint32_t kWeight = OpenRun::kFullBytes;
  static constexpr std::uint32_t kLeastWeight = kWeight / OpenRun::kFullCount;

  /// Objects beside each other that are worth an open run: two may be a pair that a program keeps together.
  static constexpr std::uint32_t kOpened = 3;

  static std::uint32_t weight_of(std::uint32_t count, unsigned size_class) noexcept {
    return count * std::max(kSizeClassInfo[size_class].stride, kLeastWeight);
  }

  bool is_empty() const noexcept { return first_ == nullptr; }
  bool is_full() const noexcept { return weight_ >= kWeight; }

  /// Adds a run of free objects of the class. `count` is its own, which the compiler mostly knows better: one.
  [[gnu::always_inline]] void add(ObjectRun run, std::uint32_t count, unsigned size_class) noexcept {
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    weight_ += weight_of(count, size_class);
    if constexpr (!kIsNarrow) end_ = run.with_fewer(count - 1).word() + std::size_t{count} * stride;
    if (word_ != last_word_) return Carrier::set(++word_, run);
    begin_carrier(run, stride);
  }

  /// Whether the object lies beside the run that was added last, if above it or, where that is one object, below.
  [[gnu::always_inline]] bool ends_beside(const void* object, unsigned size_class) const noexcept {
    if constexpr (kIsNarrow) return false;
    const std::size_t distance = end_ - ObjectRun(object, size_class).word();
    if (distance == 0) return true;
    return distance == std::size_t{2} * kSizeClassInfo[size_class].stride && Carrier::get(word_).count() == 1;
  }

  /// Adds an object of the class to the run that was added last, if it lies above that; false, with nothing done, where it does not, and
  /// where the run would have kOpened: to be opened then. One that has more was open before, and came back since others were freed between.
  bool grow(const void* object, unsigned size_class) noexcept {
    const ObjectRun run = Carrier::get(word_);
    if (end_ != ObjectRun(object, size_class).word() || run.count() == kOpened - 1 ||
        run.count() == ObjectRun::kMost)
      return false;
    Carrier::set(word_, run.with_more(1));
    end_ += stride_of(size_class);
    weight_ += weight_of(1, size_class);
    return true;
  }

  /// Takes back the run that was added last. Requires that ends_beside has said so for an object of the class.
  ObjectRun take_last(unsigned size_class) noexcept {
    const ObjectRun run = Carrier::get(word_);  // of a link, all but the address
    weight_ -= weight_of(run.count(), size_class);
    end_ = 0;
    if (word_ == first_->link()) return take_carrier(stride_of(size_class));
    fill_free(word_, sizeof *word_);
    --word_;
    return run;
  }

  /// Calls `visit(void*)` for each object. `stride_of_object(void*)` is its stride.
  template <class Visit, class Stride>
  void for_each(Visit visit, Stride stride_of_object) const {
    for (Carrier* carrier = first_; carrier != nullptr; carrier = carrier->following()) {
      const std::size_t unfilled = carrier == first_ ? static_cast<std::size_t>(last_word_ - word_) : 0;
      carrier->for_each_run(Carrier::carried_by(stride_of_object(carrier)) - unfilled,
                            [visit](ObjectRun run) { run.for_each(visit); });
    }
  }

  /// Ends the first carrier's places, hands its carriers to `post(first, last)` and is empty again.
  template <class Post>
  void close(Post post) noexcept {
    if (is_empty()) return;
    if (word_ != last_word_) Carrier::set(word_ + 1, ObjectRun::none());
    Carrier* const first = first_;
    Carrier* const last = last_;
    *this = Chain{};
    post(first, last);
  }

 private:
  void begin_carrier(ObjectRun run, std::size_t stride) noexcept {
    const std::size_t places = Carrier::carried_by(stride);
    open_free(run.first(), sizeof(Carrier) + places * sizeof *word_);
    first_ = ::new (run.first()) Carrier(first_, run);
    if (last_ == nullptr) last_ = first_;
    word_ = first_->link();
    last_word_ = word_ + places;
  }

  /// Takes back the first carrier, of which no place is filled.
  ObjectRun take_carrier(std::size_t stride) noexcept {
    Carrier* const carrier = first_;
    const ObjectRun run = carrier->own();
    first_ = carrier->following();
    if (first_ == nullptr) {
      *this = Chain{};
    } else {
      word_ = last_word_ = first_->link();  // whose places are all filled
    }
    fill_free(carrier, sizeof *carrier);
    close_free(carrier, sizeof *carrier + Carrier::carried_by(stride) * sizeof *word_);
    return run;
  }

  Carrier* first_ = nullptr;
  Carrier* last_ = nullptr;
  std::uintptr_t* word_ = nullptr;
  std::uintptr_t* last_word_ = nullptr;
  std::uintptr_t end_ = 0;
  std::uint32_t weight_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
