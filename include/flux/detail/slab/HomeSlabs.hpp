#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/slab/ObjectRun.hpp>
#include <flux/detail/slab/PartialSlabs.hpp>
#include <flux/detail/slab/SlabSource.hpp>

namespace flux::inline FLUX_ABI::detail {

// The slabs of a thread heap, of all classes, and with them the objects that are home. Whoever holds the heap's
// lock.
//
//   slabs_[c] == slabs of class c in use;  home_[c] == their objects that are home
//   a slab whose objects are all home is retired, unless its class would keep fewer than reserved_[c]
class HomeSlabs {
 public:
  static constexpr unsigned kAllRuns = ~0u;

  explicit HomeSlabs(const SlabSource& source) noexcept : source_(source) {}

  SlabSource& source() noexcept { return source_; }
  const SlabSource& source() const noexcept { return source_; }

  /// Takes objects of the class out, as a refill wants them: writes their addresses downwards from `high`, at
  /// most to `limit`, so that a bin that pops from the top hands them out in address order. Returns the last place
  /// written: `high` when memory is out. Looks at a bounded number of slabs.
  void** take(unsigned size_class, void** limit, void** const high) noexcept {
    PartialSlabs& partial = partial_[size_class];
    void** low = high;
    Slab* slab = nullptr;
    for (unsigned visits = 0; visits != kMostVisits && low != limit; ++visits) {
      slab = partial.next_after(slab);
      if (slab == nullptr) {
        if (low != high) break;  // some are better than a fresh slab
        slab = carve(size_class);
        if (slab == nullptr) break;
      }
      void** const before = low;
      low = slab->take(limit, high - kMostScattered, low);
      home_[size_class] -= static_cast<std::size_t>(before - low);
      partial.update_first(*slab);
      if (slab->free != 0) break;  // what is left of it is not wanted
    }
    return low;
  }

  /// Brings objects of a class home, in runs of the same slab, at most `runs` of them; returns the first left out.
  void** put_of(unsigned size_class, void** first, void** last, unsigned runs = kAllRuns) noexcept {
    for (; first != last && runs != 0; --runs) {
      Slab& slab = slab_of_freed(*first);
      if (slab.size_class != size_class) [[unlikely]]
        die(kOtherSize, *first);
      void** const rest = slab.put(first, last);
      home_[size_class] += static_cast<std::size_t>(rest - first);
      settle(slab);
      first = rest;
    }
    return first;
  }

  /// Brings runs home, of any classes, and says what came: `came(size_class, count)`. They are used up.
  template <class Came>
  void put(ObjectRun* first, ObjectRun* last, Came came) noexcept {
    while (first != last) {
      Slab& slab = slab_of_freed(first->first());
      if (!slab.is_of(*first)) [[unlikely]]
        die(kOtherSize, first->first());
      const std::uint32_t before = slab.free;
      first = slab.put(first, last);
      const std::uint32_t count = slab.free - before;
      came(slab.size_class, count);
      home_[slab.size_class] += count;
      settle(slab);
    }
  }

  /// What there is of a class. Any thread; numbers that may be of different moments.
  std::size_t objects(unsigned size_class) const noexcept {
    return std::size_t{slabs(size_class)} * kSizeClassInfo[size_class].capacity;
  }
  std::uint32_t slabs(unsigned size_class) const noexcept { return slabs_[size_class]; }
  std::size_t home(unsigned size_class) const noexcept { return home_[size_class]; }

  /// Sees to it that `count` objects of the class are home, in slabs that stay the class's and whose memory is
  /// resident. False when memory is out; nothing has changed then but that some memory may be
  /// resident, and that regions which were opened are the heap's.
  bool reserve(unsigned size_class, std::size_t count) noexcept {
    std::size_t home = 0;
    for_each_slab(size_class, [&home](Slab& slab) { home += slab.free; });
    // What cannot be had at all is not begun: its regions would keep addresses from all others.
    const std::size_t slab_bytes = kSizeClassInfo[size_class].units * kUnitBytes;
    const std::size_t missing = (count - std::min(count, home)) / kSizeClassInfo[size_class].capacity;
    bool is_done = missing <= (source_.reserved_bytes() + reservable_bytes()) / slab_bytes;
    Slab* carved = nullptr;  // in no list yet, linked by next
    for (; is_done && home < count; home += kSizeClassInfo[size_class].capacity) {
      Slab* const slab = carve(size_class);
      is_done = slab != nullptr;
      if (is_done) slab->next = std::exchange(carved, slab);
    }
    const Region* region = nullptr;  // whose records, also those behind the slabs', are resident
    for_each_slab(size_class, [&](Slab& slab) {
      is_done = is_done && page_source.populate(slab.begin(), slab_bytes);
      if (region == Region::of(&slab)) return;
      region = Region::of(&slab);
      is_done = is_done && page_source.populate(Region::of(&slab)->begin(), kHeaderUnits * kUnitBytes);
    });
    if (is_done) reserved_[size_class] = slabs_[size_class];
    while (carved != nullptr) settle(*std::exchange(carved, carved->next));
    return is_done;
  }

  /// Takes all slabs back, wherever their objects are, without a look at these. Takes time with the slabs.
  void retire_all() noexcept {
    source_.for_each_slab([this](Slab& slab) {
      slab.list = Slab::kNotListed;
      announce_all_freed(slab.objects, slab.extent);
      source_.retire(slab);
    });
    partial_ = {};
    slabs_ = {};
    home_ = {};
    reserved_ = {};
  }

  /// Whether the class has a reservation, and no more slabs than that.
  bool is_within_reserve(unsigned size_class) const noexcept {
    return reserved_[size_class] != 0 && slabs_[size_class] <= reserved_[size_class];
  }

  /// Ends all reservations.
  void end_reserve() noexcept {
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      if (reserved_[c] == 0) continue;
      reserved_[c] = 0;
      retire_unreserved(c);
    }
  }

  /// Whether all structures agree.
  bool is_valid() const noexcept {
    std::array<std::uint32_t, kSizeClasses> slabs{};
    std::array<std::size_t, kSizeClasses> home{};
    bool valid = source_.is_valid();
    for (const PartialSlabs& partial : partial_) valid = valid && partial.is_valid();
    source_.for_each_slab([&](const Slab& slab) {
      const bool is_listed = slab.list != Slab::kNotListed;
      const bool may_be_whole = slabs_[slab.size_class] <= reserved_[slab.size_class];
      ++slabs[slab.size_class];
      home[slab.size_class] += slab.free;
      valid = valid && slab.is_valid() && is_listed == (slab.free != 0);
      valid = valid && (slab.free != slab.capacity || may_be_whole);
    });
    return valid && std::equal(slabs.begin(), slabs.end(), slabs_.begin()) &&
           std::equal(home.begin(), home.end(), home_.begin());
  }

 private:
  // A call looks at no more slabs than this, and takes no more objects that lie scattered, one bit after another:
  // none does unbounded work.
  static constexpr unsigned kMostVisits = 8;
  static constexpr std::ptrdiff_t kMostScattered = 64;

  template <class Visit>
  void for_each_slab(unsigned size_class, Visit visit) {
    source_.for_each_slab([&](Slab& slab) {
      if (slab.size_class == size_class) visit(slab);
    });
  }

  /// The slab of an object that was freed. Ends the program where none lies.
  static Slab& slab_of_freed(const void* object) noexcept {
    Slab& slab = Region::slab_of(object);
    if (slab.capacity == 0 || !slab.holds(object)) [[unlikely]]
      die(kNoObjectThere, object);
    return slab;
  }

  Slab* carve(unsigned size_class) noexcept {
    Slab* const slab = source_.carve(size_class);
    if (slab == nullptr) return nullptr;
    slabs_[size_class] += 1;
    home_[size_class] += slab->capacity;
    return slab;
  }

  /// Puts a slab where its count belongs, after some of its objects came home.
  void settle(Slab& slab) noexcept {
    PartialSlabs& partial = partial_[slab.size_class];
    if (slab.free != slab.capacity || slabs_[slab.size_class] <= reserved_[slab.size_class])
      return partial.update(slab);
    partial.remove(slab);
    slabs_[slab.size_class] -= 1;
    home_[slab.size_class] -= slab.capacity;
    source_.retire(slab);
  }

  void retire_unreserved(unsigned size_class) noexcept {
    for_each_slab(size_class, [this](Slab& slab) {
      if (slab.free == slab.capacity) settle(slab);
    });
  }

  SlabSource source_;
  std::array<PartialSlabs, kSizeClasses> partial_{};
  std::array<Count<std::uint32_t>, kSizeClasses> slabs_{};
  std::array<Count<std::size_t>, kSizeClasses> home_{};
  std::array<std::uint32_t, kSizeClasses> reserved_{};
};

}  // namespace flux::inline FLUX_ABI::detail
