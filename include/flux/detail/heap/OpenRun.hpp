#pragma once

#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Address.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/slab/ObjectRun.hpp>

namespace flux::inline FLUX_ABI::detail {

class ThreadHeap;

// The objects of another heap that a thread freed last, one beside the other. Programs mostly free what they were handed in the
// order of its addresses: to add an object then takes two comparisons, an addition and a store, without a look at the object or for its owner.
// What lies beside an object and is said to be of its class has the same owner: before the first object of a region lies the
// region's header.
//
//   none:  above_ == below_ == 0
//   else:  above_ and below_ are the places of the objects that would lie beside its own; it has fewer than fill it, and perhaps none
//   owner_: whose its objects are; what it was when there is none
//   All zero at first.
//
// What is stored does not depend on what was loaded here: a load that follows a store to the same place takes some seven cycles, and
// each free of a loop would wait as long for the one before.
class OpenRun {
 public:
  /// What fills a run: 64 objects, fewer when they are large.
  static constexpr std::size_t kFullBytes = 64 << 10;
  static constexpr std::size_t kFullCount = 64;

  bool is_none() const noexcept { return above_ == 0; }
  ThreadHeap* owner() const noexcept { return owner_; }

  /// Begins with a run, which must not fill it: an object of 64 KiB goes home alone.
  void open(ThreadHeap* owner, ObjectRun run) noexcept {
    const std::size_t stride = kSizeClassInfo[run.size_class()].stride;
    store_once(below_, run.place() - stride);
    store_once(above_, run.place() + run.count() * stride);
    owner_ = owner;
  }

  /// Adds the object that lies above the last, unless it fills the run; false, with nothing done, for it and for any other.
  [[gnu::always_inline]] bool add_above(const void* object, unsigned size_class) noexcept {
    if constexpr (kIsNarrow) return false;
    const std::uintptr_t place = ObjectRun(object, size_class).word();
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    const std::uintptr_t next = next_to(place, stride);
    // Two strides less on both sides: so it is more where there is no run, for nullptr as well.
    if (place != above_ || place - stride - below_ >= full_span(size_class) - 2 * stride) return false;
    store_once(above_, next);
    return true;
  }

  enum class Added { kNot, kAbove, kBelow };

  /// Adds an object that lies beside the run, whether it fills it or not; kNot, with nothing done, for another.
  Added add(const void* object, unsigned size_class) noexcept {
    if (kIsNarrow || is_none()) return Added::kNot;
    const std::uintptr_t place = ObjectRun(object, size_class).word();
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    const std::uintptr_t above = next_to(place, stride), below = next_to(place, 0 - stride);
    if (place == above_) return store_once(above_, above), Added::kAbove;
    if (place == below_) return store_once(below_, below), Added::kBelow;
    return Added::kNot;
  }

  /// Whether the run, which is of the class, has to be taken.
  bool is_full(unsigned size_class) const noexcept { return above_ - below_ >= full_span(size_class); }

  /// Takes its objects, if it has any, and ends it. Requires that it is one.
  ObjectRun take() noexcept {
    const ObjectRun run = objects(above_, below_);
    store_once(above_, std::uintptr_t{0});
    store_once(below_, std::uintptr_t{0});
    return run;
  }

  /// Takes its objects, of which one was added last, and goes on beside that. Requires that there are some.
  ObjectRun take_and_go_on(Added last) noexcept {
    const ObjectRun run = objects(above_, below_);
    const std::size_t stride = kSizeClassInfo[run.size_class()].stride;
    if (last == Added::kAbove) {
      store_once(below_, above_ - stride);
    } else {
      store_once(above_, below_ + stride);
    }
    return run;
  }

  /// What it has. Any thread; while the owner is at work, a run that may be of two moments, or nothing.
  ObjectRun get_remote() const noexcept {
    const std::uintptr_t above = load_remote(above_), below = load_remote(below_);
    const unsigned size_class = ObjectRun::class_of(above);
    if (size_class >= kSizeClasses || above - below >= full_span(size_class) + stride_of(size_class))
      return ObjectRun::none();
    return objects(above, below);
  }

  /// Whether the places are those beside fewer objects than fill a run. The owner's.
  bool is_valid() const noexcept {
    if (is_none()) return below_ == 0;
    const unsigned size_class = ObjectRun::class_of(above_);
    if (kIsNarrow || size_class >= kSizeClasses || ObjectRun::class_of(below_) != size_class) return false;
    const std::size_t span = above_ - below_;
    return span % stride_of(size_class) == 0 && span != 0 && span < full_span(size_class);
  }

 private:
  /// `place`, so much higher; without a compiler's knowledge that it may as well add that to an equal number that it has loaded.
  [[gnu::always_inline]] static std::uintptr_t next_to(std::uintptr_t place, std::size_t bytes) noexcept {
    std::uintptr_t next = place + bytes;
    asm("" : "+r"(next));
    return next;
  }

  /// Between the two places beside a full run.
  [[gnu::always_inline]] static constexpr std::size_t full_span(unsigned size_class) noexcept {
    const std::size_t stride = kSizeClassInfo[size_class].stride;
    return stride + (stride < kFullBytes / kFullCount ? kFullCount * stride : kFullBytes);
  }

  /// Those between two places.
  static ObjectRun objects(std::uintptr_t above, std::uintptr_t below) noexcept {
    const SizeClassInfo& info = kSizeClassInfo[ObjectRun::class_of(above)];
    const auto strides = static_cast<std::uint32_t>(((above - below) * info.reciprocal) >> kReciprocalShift);
    return strides < 2 ? ObjectRun::none() : ObjectRun::of_word(below + info.stride).with_more(strides - 2);
  }

  std::uintptr_t above_;
  std::uintptr_t below_;
  ThreadHeap* owner_;
};

}  // namespace flux::inline FLUX_ABI::detail
