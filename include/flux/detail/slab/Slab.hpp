#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/base/Tools.hpp>
#include <flux/detail/slab/ObjectRun.hpp>

namespace flux::inline FLUX_ABI::detail {

// A slab is a unit, or several in a row, cut into objects of one size class. Its record lies apart from it, in the table at
// the start of its region. Only the owning thread heap reads and writes the record, but for what does not change while
// an object lives: any thread may read that.
//
//   bit i of the bitmap is set  <=>  object i is home
//   free == number of set bits  <=  capacity;  every word below first_word is zero
//   objects that are not home are live, in a bin, or on their way home
//
// States: unused (capacity == 0; the units are in the region's map of free units), full (free == 0), partial
// (0 < free; in its class's PartialSlabs). A slab whose objects are all home becomes unused.
//
// Records begin as untouched zero pages and stay so until their slab is carved: no constructor may run over
// the table.
struct Slab {
  static constexpr std::uint8_t kNotListed = 0;

  std::uint64_t* bitmap;  ///< words, but for the smallest objects
  std::byte* objects;     ///< the first object
  std::uint64_t reciprocal;
  Slab* next;  ///< links of the list in PartialSlabs
  Slab* previous;
  std::uint32_t stride;
  std::uint32_t extent;  ///< bytes from the first object to the end of the last
  std::uint32_t capacity;
  std::uint32_t free;
  std::uint32_t first_word;
  std::uint8_t size_class;
  std::uint8_t units_back;  ///< in records of a slab's later units: how far back its own record is
  std::uint8_t list;        ///< of PartialSlabs, counted from 1, or kNotListed
  std::uint8_t list_shift;
  alignas(64) std::uint64_t words[kSlabBitmapWords * (1 + kMarkSets)];

  /// Cuts the slab that begins at `begin` into objects of the class, all of them home.
  void carve(std::byte* begin, unsigned new_class) noexcept {
    const SizeClassInfo& info = kSizeClassInfo[new_class];
    bitmap = info.first_object == 0 ? words : reinterpret_cast<std::uint64_t*>(begin);
    objects = begin + info.first_object;
    reciprocal = info.reciprocal;
    stride = info.stride;
    capacity = free = info.capacity;
    extent = capacity * stride;
    first_word = 0;
    static_assert(kSizeClasses <= 256);
    size_class = static_cast<std::uint8_t>(new_class);
    units_back = 0;
    list_shift = static_cast<std::uint8_t>(std::max(static_cast<int>(std::bit_width(capacity)), 3) - 3);
    announce_no_object(begin, info.first_object);
    const std::uint32_t whole = capacity / 64;
    if constexpr (kMarkSets != 0) std::memset(marks(), 0, kMarkSets * bitmap_words() * sizeof *bitmap);
    std::memset(bitmap, 0xFF, whole * sizeof *bitmap);
    if (capacity % 64 != 0) bitmap[whole] = (std::uint64_t{1} << capacity % 64) - 1;
  }

  /// Where its units begin.
  std::byte* begin() const noexcept { return objects - kSizeClassInfo[size_class].first_object; }

  bool holds(const void* p) const noexcept { return offset_of(p) < extent; }

  /// Which object begins there; capacity when none does. Requires that the slab holds the address.
  std::uint32_t object_at(const void* p) const noexcept {
    const std::uint32_t index = index_of(p);
    return std::size_t{index} * stride == offset_of(p) ? index : capacity;
  }

  /// Which object holds the address, of a slab of the class; any number where none does.
  std::uint32_t index_of(const void* p, unsigned its_class) const noexcept {
    return static_cast<std::uint32_t>((offset_of(p) * kSizeClassInfo[its_class].reciprocal) >>
                                      kReciprocalShift);
  }

  /// Words of the bitmap, and of each of kMarkSets sets of marks (see Marks) behind it.
  std::size_t bitmap_words() const noexcept {
    const std::size_t in_slab = kSizeClassInfo[size_class].first_object;
    return in_slab == 0 ? kSlabBitmapWords : in_slab / sizeof *bitmap / (1 + kMarkSets);
  }
  std::uint64_t* marks() const noexcept { return bitmap + bitmap_words(); }

  /// Takes objects out, lowest address first: writes their addresses downwards from `high`, at most to
  /// `limit`, so that a bin that pops from the top hands them out in address order. Returns the last place
  /// written. Whole words of the bitmap cost a fraction of what bits do that lie scattered: those are taken only while
  /// there are places above `enough`.
  void** take(void** limit, void** enough, void** high) noexcept {
    std::uint32_t left = free;
    std::uint32_t w = first_word;
    while (left != 0 && high != limit) {
      std::uint64_t word = bitmap[w];
      std::byte* const object = objects + std::size_t{w} * 64 * stride;
      const bool is_whole = word == ~std::uint64_t{0};
      if (is_whole && high - limit >= 64) {
        high = take_word(object, high);
        left -= 64;
        bitmap[w++] = 0;
        continue;
      }
      const bool is_last = w == capacity / 64;  // less than a word; not worth a call of its own
      if (high <= enough && !is_whole && !is_last) break;
      for (; word != 0 && high != limit; word &= word - 1, --left) {
        *--high = object + static_cast<std::uint32_t>(std::countr_zero(word)) * std::size_t{stride};
      }
      bitmap[w] = word;
      if (word == 0) ++w;
    }
    free = left;
    first_word = w;
    return high;
  }

  /// Brings home the objects of [first, last) up to the first that lies in another slab; returns where that
  /// is. Requires that *first lies in this slab. What is no object, or home already, ends the program: looked at once a
  /// run, that costs next to nothing.
  void** put(void** first, void** last) noexcept {
    void** const begin = first;
    do {
      // Neighbours, upwards or downwards, as a container leaves them that is cleared in order.
      void** const run = first++;
      const auto* const object = static_cast<const std::byte*>(*run);
      const std::uint32_t index = object_at(object);
      if (index == capacity) [[unlikely]]
        die(kInsideOfObject, object);
      if (first != last && *first == object + stride) {
        void** const run_end = run + std::min(last - run, static_cast<std::ptrdiff_t>(capacity - index));
        first = end_of_row(run, run_end, stride);
        set_bits(index, static_cast<std::uint32_t>(first - run));
      } else if (first != last && *first == object - stride) {
        void** const run_end = run + std::min(last - run, static_cast<std::ptrdiff_t>(index + 1));
        first = end_of_row(run, run_end, -std::uintptr_t{stride});
        const auto count = static_cast<std::uint32_t>(first - run);
        set_bits(index + 1 - count, count);
      } else {
        set_bit(index);
      }
    } while (first != last && holds(*first));
    free += static_cast<std::uint32_t>(first - begin);
    return first;
  }

  /// The same of runs: up to the first that lies in another slab, or is said to be of another class. One that goes on there is left with
  /// what it has there.
  ObjectRun* put(ObjectRun* first, ObjectRun* last) noexcept {
    std::uint32_t came = 0;
    do {
      const std::uint32_t index = object_at(first->first());
      if (index == capacity) [[unlikely]]
        die(kInsideOfObject, first->first());
      const std::uint32_t count = first->count();
      if (count == 1) {
        set_bit(index);
      } else if (count <= capacity - index && count <= ObjectRun::kMost) {
        set_bits(index, count);
      } else if (count > ObjectRun::kMost) {
        die("a free object was written to: it names more than were freed", first->first());
      } else {
        const std::uint32_t here = capacity - index;
        set_bits(index, here);
        *first = first->without_first(here, stride);
        came += here;
        break;
      }
      came += count;
      ++first;
    } while (first != last && holds(first->first()) && is_of(*first));
    free += came;
    return first;
  }

  /// Whether a run was freed as one of the slab's class, as far as it says so.
  bool is_of(ObjectRun run) const noexcept { return kIsNarrow || run.size_class() == size_class; }

  /// Whether object i is home.
  bool is_home(std::uint32_t i) const noexcept { return (bitmap[i / 64] >> i % 64 & 1) != 0; }

  /// The counter equations above. Reads the whole bitmap.
  bool is_valid() const noexcept {
    std::uint32_t set = 0;
    for (std::uint32_t w = 0; w * 64 < capacity; ++w) {
      if (w < first_word && bitmap[w] != 0) return false;
      set += static_cast<std::uint32_t>(std::popcount(bitmap[w]));
    }
    return set == free && free <= capacity;
  }

 private:
  std::uintptr_t offset_of(const void* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(objects);
  }
  // Two addresses at once, four where they have 32 bits: compilers leave a plain loop as it is, one address a cycle.
  using Addresses [[gnu::vector_size(16), gnu::aligned(sizeof(void*)), gnu::may_alias]] = std::uintptr_t;
  static constexpr std::size_t kAtOnce = sizeof(Addresses) / sizeof(void*);

  /// Makes `some` the first addresses of a row, each a step above the one before. A vector that is returned is passed in
  /// another way where there is no SSE, of which g++ warns.
  static void begin_row(Addresses& some, const void* begin, std::uintptr_t step) noexcept {
    const auto first = reinterpret_cast<std::uintptr_t>(begin);
    for (std::size_t i = 0; i != kAtOnce; ++i) some[i] = first + i * step;
  }

  /// The addresses of the 64 objects of a whole word, whose first is `object`, downwards from `high`.
  void** take_word(const std::byte* object, void** high) const noexcept {
    const std::uintptr_t step = stride;
    Addresses some;
    begin_row(some, object + 63 * step, -step);
    for (void** place = high - 64; place != high; place += kAtOnce, some -= kAtOnce * step)
      *reinterpret_cast<Addresses*>(place) = some;
    return high - 64;
  }

  static constexpr std::ptrdiff_t kBlock = 16;

  /// Where the row of addresses ends that begins at `place`, each a step above the one before; at `last` at most.
  /// Requires that the second, which may be the last or beyond, goes on with the row. A pair is seen to at once.
  static void** end_of_row(void** place, void** last, std::uintptr_t step) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(*place);
    if (last - place == 1) [[unlikely]]
      return last;
    const std::uintptr_t third = begin + 2 * step;
    if (place + 2 == last || reinterpret_cast<std::uintptr_t>(place[2]) != third) return place + 2;
    if (may_take_block(place, last, begin, step)) return end_of_long_row(place, last, begin, step);
    return end_of_short_row(place + 3, last, third + step, step);
  }

  /// Whether a row that comes to `place` with the address `next` may take in a block: whether the last of it is where
  /// it would be. Tells short rows from others at the price of one load; that of vectors would be four addresses.
  static bool may_take_block(void** place, void** last, std::uintptr_t next, std::uintptr_t step) noexcept {
    return last - place >= kBlock &&
           reinterpret_cast<std::uintptr_t>(place[kBlock - 1]) == next + (kBlock - 1) * step;
  }

  static void** end_of_short_row(void** place, void** last, std::uintptr_t next,
                                 std::uintptr_t step) noexcept {
    for (; place != last && reinterpret_cast<std::uintptr_t>(*place) == next; ++place) next += step;
    return place;
  }

  /// Block by block. Not inlined: compilers would make ready for it what short rows do not need.
  [[gnu::noinline]] static void** end_of_long_row(void** place, void** last, std::uintptr_t next,
                                                  std::uintptr_t step) noexcept {
    for (; may_take_block(place, last, next, step); place += kBlock, next += kBlock * step) {
      Addresses expected;
      begin_row(expected, *place, step);
      Addresses differing{};
      for (std::ptrdiff_t i = 0; i != kBlock; i += kAtOnce, expected += kAtOnce * step)
        differing |= *reinterpret_cast<const Addresses*>(place + i) ^ expected;
      std::uintptr_t any = 0;
      for (std::size_t i = 0; i != kAtOnce; ++i) any |= differing[i];
      if (any != 0) break;
    }
    return end_of_short_row(place, last, next, step);
  }

  void set_bit(std::uint32_t index) noexcept {
    if (index / 64 < first_word) first_word = index / 64;
    set_word(index / 64, std::uint64_t{1} << index % 64);
  }
  void set_bits(std::uint32_t index, std::uint32_t count) noexcept {
    std::uint32_t w = index / 64;
    if (w < first_word) first_word = w;
    std::uint64_t bits = ~std::uint64_t{0} << index % 64;
    for (std::uint32_t end = index + count; end > (w + 1) * 64; bits = ~std::uint64_t{0}) set_word(w++, bits);
    set_word(w, bits & (~std::uint64_t{0} >> (63 - (index + count - 1) % 64)));
  }
  void set_word(std::uint32_t w, std::uint64_t bits) noexcept {
    if ((bitmap[w] & bits) != 0) [[unlikely]]
      die(kFreeAlready,
          objects +
              (std::size_t{w} * 64 + static_cast<unsigned>(std::countr_zero(bitmap[w] & bits))) * stride);
    bitmap[w] |= bits;
  }
  std::uint32_t index_of(const void* p) const noexcept {
    return static_cast<std::uint32_t>((offset_of(p) * reciprocal) >> kReciprocalShift);
  }
};

// One cache line of counters and the bitmap after it; an odd number of lines, so that the counters of
// consecutive slabs fall into different cache sets.
static_assert(sizeof(Slab) == 64 + kSlabBitmapWords * 8 * (1 + kMarkSets));
static_assert(std::is_trivial_v<Slab>);

}  // namespace flux::inline FLUX_ABI::detail
