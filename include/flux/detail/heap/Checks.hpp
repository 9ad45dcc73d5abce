#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Misuse.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/base/Tools.hpp>
#include <flux/detail/heap/LocalBins.hpp>
#include <flux/detail/heap/ThreadHeap.hpp>
#include <flux/detail/slab/Marks.hpp>
#include <flux/detail/slab/RegionMap.hpp>
#include <flux/detail/slab/Slack.hpp>

namespace flux::inline FLUX_ABI::detail {

// What stands at the doors of a checked build: every object that is handed out passes by check_allocation, every one that
// comes back by check_free. A free object holds a pattern, from its first free on; but for the words that its thread's
// Outbox needs of it, which get the pattern back when they come home.

/// What the region at a multiple of kRegionBytes begins with, asked of the system: nothing may be there, and then it is 0.
/// A region's, where the system refuses to say.
[[gnu::noinline, gnu::cold]] inline std::uint64_t foreign_magic(const void* address) noexcept {
  std::uint64_t magic = 0;
  const System::Look look = System::look_at(Region::of(address), &magic, sizeof magic);
  if (look == System::Look::kNotAllowed) return Region::kMagic;
  return look == System::Look::kDone ? magic : 0;
}

/// Why a live object may not be freed as one of which `bytes` were asked for; nullptr when it may.
inline const char* reason_against_size(void* object, std::size_t stride, std::size_t bytes,
                                       const Marks& marks) noexcept {
  const std::size_t asked_for = marks.is_short() ? Slack(object, stride).asked_for() : stride;
  if (marks.is_short() && asked_for == stride) return "it was written to beyond its end";
  if (bytes == kAsAskedFor || (Slack::is_told(bytes, stride) ? bytes : stride) == asked_for) return nullptr;
  return kOtherSize;
}

/// Why an address may not be freed as an object of the class, of which `bytes` were asked for; nullptr when it may.
/// `is_of_domain(ThreadHeap&)`: whether the heap is of the domain that is meant.
template <class IsOfDomain>
const char* reason_against(void* object, unsigned size_class, std::size_t bytes,
                           IsOfDomain is_of_domain) noexcept {
  Slab& slab = Region::slab_of(object);
  if (slab.capacity == 0 || !slab.holds(object)) return kNoObjectThere;
  if (slab.object_at(object) == slab.capacity) return kInsideOfObject;
  if (!is_of_domain(Region::of(object)->owner)) return "it was allocated with another tag";
  if (slab.size_class != size_class) return kOtherSize;
  const Marks marks(slab, slab.object_at(object));
  if (marks.is_live()) return reason_against_size(object, slab.stride, bytes, marks);
  return marks.is_used() ? kFreeAlready : "it was never allocated";
}

/// Domains are told apart by their names as well: libraries may have copies of flux, and these domains of their own.
inline bool is_same_domain(const DomainInfo& left, const DomainInfo& right) noexcept {
  return &left == &right || std::strcmp(left.name, right.name) == 0;
}

[[gnu::noinline, gnu::cold]] inline bool refuse(const char* operation, const char* reason, const void* object,
                                                unsigned size_class, const char* tag) noexcept {
  report_misuse({operation, reason, object, kSizeClassInfo[size_class].stride, tag});
  return false;
}

/// What was asked for of an object in a slab; 0 for what is no live one, which is told.
inline std::size_t asked_for(void* object) noexcept {
  Slab& slab = Region::slab_of(object);
  const std::uint32_t index = slab.object_at(object);
  if (index == slab.capacity || !Marks(slab, index).is_live()) [[unlikely]] {
    report_misuse({"usable_size", "no live object begins there", object, slab.stride, "unknown"});
    return 0;
  }
  return Marks(slab, index).is_short() ? Slack(object, slab.stride).asked_for() : slab.stride;
}

/// Whether the object may be freed; then it counts as free, and holds the pattern. `mine`: the thread's own heap, or
/// nullptr.
[[gnu::noinline]] inline bool check_free(void* object, unsigned size_class, std::size_t bytes,
                                         const DomainInfo& domain, const ThreadHeap* mine) noexcept {
  if (!region_map.holds(object)) [[unlikely]] {
    const std::uint64_t magic = foreign_magic(object);
    if (magic == Region::kInstanceMagic)
      return refuse("free", "it lies in a flux::Heap", object, size_class, domain.name);
    if (magic != Region::kMagic)  // else of a copy of flux in a library
      return refuse("free", "no memory of flux's lies there", object, size_class, domain.name);
  }
  const char* const reason = reason_against(object, size_class, bytes, [&domain](const ThreadHeap* owner) {
    return is_same_domain(owner->domain(), domain);
  });
  if (reason != nullptr) [[unlikely]]
    return refuse("free", reason, object, size_class, domain.name);
  Slab& slab = Region::slab_of(object);
  Marks marks(slab, slab.object_at(object));
  if (Region::of(object)->owner == mine) {
    marks.take_back();
  } else if (!marks.take_back_remote()) [[unlikely]] {
    return refuse("free", "double free: another thread freed the object just now", object, size_class,
                  domain.name);
  }
  open_free(object, slab.stride);
  fill_free(object, slab.stride);
  return true;
}

/// Counts an object as live, with `bytes` of it in use. Requires that its slab's owner, or who stands for it, is the caller.
/// `is_told`: whether tools may look on.
template <bool is_told = true>
[[gnu::always_inline]] inline void check_allocation(void* object, unsigned size_class, std::size_t bytes,
                                                    const char* tag) noexcept {
  Slab& slab = Region::slab_of(object);
  const std::size_t stride = kSizeClassInfo[size_class].stride;
  if constexpr (is_told) open_free(object, stride);
  Marks marks(slab, slab.index_of(object, size_class));
  if (marks.is_live()) [[unlikely]]
    refuse("allocate", "the object is live already: it was freed twice at once", object, size_class, tag);
  if (marks.is_used() && !is_filled(object, stride)) [[unlikely]]
    refuse("allocate", "it was written to after it had been freed", object, size_class, tag);
  const bool is_short = Slack::is_told(bytes, stride);
  marks.give(is_short);
  if (is_short) Slack(object, stride).write(bytes);
  if constexpr (is_told) announce_allocated(object, stride, is_short ? bytes : stride);
}

/// Whether so many bytes may go to the program's `operator delete`, or to the system's free: unless they are an object's.
/// What is smaller than the object there may be what that operator itself has of flux.
inline bool check_no_object(const void* address, std::size_t bytes, const char* tag) noexcept {
  if constexpr (FLUX_CHECKED) {
    if (region_map.holds(address)) [[unlikely]] {
      const Slab& slab = Region::slab_of(address);
      if (slab.capacity != 0 && bytes <= slab.stride) return true;
      const unsigned size_class = slab.capacity == 0 ? 0u : slab.size_class;
      return refuse("free", kOtherSize, address, size_class, tag);
    }
  }
  return true;
}

/// The heap that bins belong to, or nullptr.
inline const ThreadHeap* heap_of(const Bins* bins) noexcept {
  return bins == &no_bins ? nullptr : Region::of(bins)->owner;
}

/// So many bytes the calling thread asks for, until the end of the scope: for an object of a heap that is not its own,
/// which is counted as live while nobody else has that heap.
class AskingFor {
 public:
  explicit AskingFor(std::size_t bytes) noexcept : before_(std::exchange(bytes_, bytes)) {}
  AskingFor(const AskingFor&) = delete;
  AskingFor& operator=(const AskingFor&) = delete;
  ~AskingFor() { bytes_ = before_; }

  static std::size_t bytes() noexcept { return bytes_; }

 private:
  static inline constinit thread_local std::size_t bytes_ = kWholeObject;

  std::size_t before_;
};

/// At the end of an allocation of the domain: `object` came from the calling thread's heap, or was looked at before.
template <class Domain>
[[gnu::noinline]] inline void watch_allocation(void* object, unsigned size_class,
                                               std::size_t bytes) noexcept {
  if (Region::of(object)->owner == heap_of(current_bins<Domain>()))
    check_allocation(object, size_class, bytes, domain_info<Domain>.name);
}

// Where an object of a class whose slabs are one unit long has its marks, found without a look at the slab: for the short ways
// below. Requires that the address lies in an open region.
class UnitPlace {
 public:
  static bool serves(unsigned size_class) noexcept { return kSizeClassInfo[size_class].units == 1; }

  UnitPlace(void* object, unsigned size_class) noexcept
      : info_(kSizeClassInfo[size_class]),
        size_class_(size_class),
        record_(Region::of(object)
                    ->slabs[(reinterpret_cast<std::uintptr_t>(object) & (kRegionBytes - 1)) / kUnitBytes]),
        begin_(reinterpret_cast<std::uintptr_t>(object) & ~(kUnitBytes - 1)),
        offset_(reinterpret_cast<std::uintptr_t>(object) - begin_ - info_.first_object),
        index_(static_cast<std::uint32_t>((offset_ * info_.reciprocal) >> kReciprocalShift)) {}

  /// Whether an object of the class begins there, or none at all does, whose marks then say that it is not live.
  bool is_of_class() const noexcept {
    return record_.size_class == size_class_ && record_.units_back == 0 &&
           std::uintptr_t{index_} * info_.stride == offset_;
  }

  Marks marks() const noexcept {
    if (info_.first_object == 0) return {record_.words + kSlabBitmapWords, kSlabBitmapWords, index_};
    const std::size_t words = info_.first_object / sizeof(std::uint64_t) / (1 + kMarkSets);
    return {reinterpret_cast<std::uint64_t*>(begin_) + words, words, index_};
  }

 private:
  const SizeClassInfo& info_;
  unsigned size_class_;
  Slab& record_;
  std::uintptr_t begin_;
  std::uintptr_t offset_;
  std::uint32_t index_;
};

/// The short way of check_allocation: of an object out of the thread's own bin, all of which is asked for, and which its own
/// thread freed, or nobody yet. False, with nothing done, when it is none, or wrong, and where tools are to be told.
[[gnu::always_inline]] inline bool give_own_whole(void* object, unsigned size_class,
                                                  std::size_t bytes) noexcept {
  const std::size_t stride = kSizeClassInfo[size_class].stride;
  if (FLUX_ADDRESS_SANITIZER || !UnitPlace::serves(size_class) || bytes < stride || Valgrind::may_be_there())
    return false;
  return UnitPlace(object, size_class).marks().try_give_whole([=] { return is_filled(object, stride); });
}

/// The short way of check_free: of an object that lies in the main piece of the thread's own heap, and all of which was asked
/// for. False when it is none, or wrong, and for Valgrind.
[[gnu::always_inline]] inline bool free_own_whole(void* object, unsigned size_class, std::size_t bytes,
                                                  const Bins& mine) noexcept {
  const std::size_t stride = kSizeClassInfo[size_class].stride;
  if (!UnitPlace::serves(size_class) || bytes < stride || !mine.owns(object) ||
      !region_map.holds_reserved(object) || Valgrind::may_be_there())
    return false;
  const UnitPlace place(object, size_class);
  if (!place.is_of_class() || !place.marks().try_take_back_whole()) return false;
  if constexpr (FLUX_ADDRESS_SANITIZER) open_free(object, stride);
  fill_free(object, stride);
  if constexpr (FLUX_ADDRESS_SANITIZER) announce_freed(object, stride);
  return true;
}

/// At the beginning of a free that did not go the short way: whether to go on.
template <class Domain>
inline bool watch_free(void* object, unsigned size_class, std::size_t bytes) noexcept {
  if (!check_free(object, size_class, bytes, domain_info<Domain>, heap_of(current_bins<Domain>())))
    return false;
  announce_freed(object, kSizeClassInfo[size_class].stride);
  return true;
}

}  // namespace flux::inline FLUX_ABI::detail
