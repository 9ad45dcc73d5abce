#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Address.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/base/Tools.hpp>
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

  /// Of the object that it is, and what comes behind it, which may be nullptr.
  Carrier(Carrier* following, unsigned size_class) noexcept
      : next_(coded(&next_, ObjectRun(following, size_class).word())) {}

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
  /// Has the run that a place names, or a link, be of one object more, and that of a place begin `earlier` bytes before.
  [[gnu::always_inline]] static void grow(std::uintptr_t* word, std::size_t earlier) noexcept {
    set(word, get(word).with_one_more(earlier));
  }

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

// A chain being filled by the thread that frees. Its last word may still grow: programs mostly free what they were handed one object
// beside the other, and to note one then takes a comparison and three additions, without a look at the object. For an object that lies apart
// no more is written than must be: while the line of a carrier comes, the processor goes on for as many words as it can hold back.
//
//   empty: first_ == last_ == nullptr, word_ == last_word_ == nullptr, begin_ == end_ == 0
//   else:  word_ is the last that was written, of the first carrier;  those behind it, up to last_word_, are its unfilled places
//   begin_, end_: where the objects of the last word begin and end, with their class; begin_ == 0 where it is a link, whose run begins with
//   the carrier
//   weight_: bytes, where an object counts for at least kLeastWeight; full from kWeight on
//   All zero before the first object: see Outbox.
class Chain {
 public:
  /// A full chain: 64 objects, fewer when they are large. With 128 handing over takes 3 % less time where all lie together, and
  /// more where all lie apart; a number that is no multiple of 64 splits words of the bitmaps.
  static constexpr std::uint32_t kWeight = 64 << 10;
  static constexpr std::uint32_t kLeastWeight = kWeight / 64;

  bool is_empty() const noexcept { return first_ == nullptr; }
  bool is_full() const noexcept { return weight_ >= kWeight; }

  /// Adds a free object of the class that lies beside those added last, above or below; false, with nothing done, for another. It has the
  /// same owner then: what lies before the first object of a region is the region's header.
  [[gnu::always_inline]] bool add_neighbour(void* object, unsigned size_class) noexcept {
    static_assert(kIsNarrow || kWeight / kLeastWeight <= ObjectRun::kMost);
    if constexpr (kIsNarrow) return false;
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    const std::uintptr_t word = ObjectRun(object, size_class).word();
    if (word == end_) {
      end_ = word + stride;
      Carrier::grow(word_, 0);
    } else if (word + stride == begin_) {
      begin_ = word;
      Carrier::grow(word_, stride);
    } else {
      return false;
    }
    weigh(stride);
    return true;
  }

  /// Adds any other free object of the class.
  [[gnu::always_inline]] void add_apart(void* object, unsigned size_class) noexcept {
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    const ObjectRun run(object, size_class);
    if (word_ != last_word_) {
      Carrier::set(++word_, run);
      begin_ = run.word();
    } else {
      const std::size_t places = Carrier::carried_by(stride);
      open_free(object, sizeof(Carrier) + places * sizeof *word_);
      first_ = ::new (object) Carrier(first_, size_class);
      if (last_ == nullptr) last_ = first_;
      word_ = first_->link();
      last_word_ = word_ + places;
      begin_ = 0;
    }
    end_ = run.word() + stride;
    weigh(stride);
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
  [[gnu::always_inline]] void weigh(std::size_t stride) noexcept {
    const auto bytes = static_cast<std::uint32_t>(stride);
    weight_ += bytes < kLeastWeight ? kLeastWeight : bytes;
  }

  Carrier* first_ = nullptr;
  Carrier* last_ = nullptr;
  std::uintptr_t* word_ = nullptr;
  std::uintptr_t* last_word_ = nullptr;
  std::uintptr_t begin_ = 0;
  std::uintptr_t end_ = 0;
  std::uint32_t weight_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
