#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Settings.hpp>
#include <flux/detail/base/Trace.hpp>
#include <flux/detail/heap/Checks.hpp>
#include <flux/detail/heap/HeapBins.hpp>
#include <flux/detail/heap/LargeBlocks.hpp>
#include <flux/detail/slab/HomeSlabs.hpp>

namespace flux::inline FLUX_ABI::detail {

// The regions, slabs and free objects of a heap that a program makes, fills and drops as a whole: what a ThreadHeap is
// without other threads. Lives in its own first region; one thread at a time.
//
//   objects of all slabs == at home (set bits) + in the bins + live
//   units of slabs + those of large blocks, rounded up, + those left to the source == the capacity
//   retained units <= those left
class InstanceHeap {
 public:
  /// A heap with its first region; nullptr, with nothing kept, when memory is out. `capacity`: the most that slabs
  /// and large blocks together may take, bytes.
  static InstanceHeap* create(std::size_t capacity) noexcept {
    const std::size_t units = kUsesSlabs ? capacity / kUnitBytes : UINT32_MAX;  // else of every object one
    const auto most_units = static_cast<std::uint32_t>(std::min(units, std::size_t{UINT32_MAX}));
    SlabSource source = SlabSource::of_instance(most_units);
    if (!source.open_first()) return nullptr;
    return ::new (source.take_heap_units()) InstanceHeap(source, most_units);
  }

  /// Ends the heap and all that is in it.
  static void close(InstanceHeap* heap) noexcept {
    heap->large_.deallocate_all([](std::size_t) {});
    heap->announce_end();
    SlabSource::close(heap->home_.source());
  }

  /// An object of the class, of which `bytes` are asked for. Throws std::bad_alloc.
  [[gnu::always_inline]] void* allocate_object(unsigned size_class, [[maybe_unused]] std::size_t bytes) {
    if constexpr (FLUX_CHECKED) return allocate_watched(size_class, bytes);
    if (bins_.bins().is_empty(size_class)) [[unlikely]]
      return allocate_slow(size_class);
    return bins_.bins().pop(size_class);
  }

  /// Frees an object of the class, of which `bytes` were asked for.
  [[gnu::always_inline]] void deallocate_object(void* object, unsigned size_class,
                                                [[maybe_unused]] std::size_t bytes) noexcept {
    if constexpr (FLUX_CHECKED) {
      if (!watch_free(object, size_class, bytes)) return;
    }
    if (bins_.bins().push(size_class, object)) [[unlikely]]
      spill(size_class);
  }

  /// `bytes`, 0 included, at an address of its own. Throws std::bad_alloc.
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const unsigned size_class = size_class_of(bytes, alignment);
    return size_class != kNoSizeClass ? allocate_object(size_class, bytes) : allocate_large(bytes, alignment);
  }
  void deallocate(void* p, std::size_t bytes, std::size_t alignment) noexcept {
    const unsigned size_class = size_class_of(bytes, alignment);
    if (size_class != kNoSizeClass) return deallocate_object(p, size_class, bytes);
    if constexpr (FLUX_CHECKED) {
      if (!large_.holds(p)) {
        report_misuse({"free", "it is no block of this flux::Heap, or free already", p, 0, kTag});
        return;
      }
    }
    const std::size_t freed = large_.deallocate(p);
    home_.source().give_budget(units_of(freed));
    large_units_ -= units_of(freed);
  }

  /// Ends all objects and large blocks at once, without a look at them. Takes time with the slabs and the large
  /// blocks, and none for memory that goes back: it is what the next use of the heap begins with.
  void release() noexcept {
    bins_.clear_all();
    announce_end();
    home_.retire_all();
    large_.deallocate_all([this](std::size_t bytes) { home_.source().give_budget(units_of(bytes)); });
    large_units_ = 0;
  }

  /// Gives back all memory that holds no object; returns the bytes, but for what large blocks held.
  std::size_t trim() noexcept {
    bins_.empty_all(home_);
    const std::size_t bytes = home_.source().discard_all();
    if constexpr (FLUX_TRACE)
      if (bytes != 0) trace(TraceEvent::kTrim, this, 0, bytes);
    return bytes;
  }

  /// What slabs and large blocks take now, bytes.
  std::size_t used_bytes() const noexcept {
    std::size_t units = large_units_;
    for (unsigned c = 0; c != kSizeClasses; ++c)
      units += std::size_t{home_.slabs(c)} * kSizeClassInfo[c].units;
    return units * kUnitBytes;
  }

  /// Whether all structures agree.
  bool is_valid() const noexcept {
    return home_.is_valid() && bins_.is_valid() && large_.is_valid() &&
           used_bytes() + home_.source().left_bytes() == std::size_t{most_units_} * kUnitBytes &&
           home_.source().retained_bytes() <= home_.source().left_bytes();
  }

  const HomeSlabs& home() const noexcept { return home_; }

 private:
  static constexpr const char* kTag = "a flux::Heap";  // what misuse is told of

  InstanceHeap(const SlabSource& source, std::uint32_t most_units) noexcept
      : most_units_(most_units), home_(source) {}

  static std::uint32_t units_of(std::size_t bytes) noexcept {
    return static_cast<std::uint32_t>(
        std::min(bytes / kUnitBytes + (bytes % kUnitBytes != 0), std::size_t{UINT32_MAX}));
  }

  [[gnu::noinline]] void* allocate_slow(unsigned size_class) {
    if (!bins_.refill(size_class, home_)) {
      bins_.empty_all(home_);
      if (!bins_.refill(size_class, home_)) throw_bad_alloc();
    }
    keep_capacity();
    tidy(size_class);
    return bins_.bins().pop(size_class);
  }

  // Of checked builds: see Checks.hpp.

  void* allocate_watched(unsigned size_class, std::size_t bytes) {
    void* const object =
        bins_.bins().is_empty(size_class) ? allocate_slow(size_class) : bins_.bins().pop(size_class);
    check_allocation(object, size_class, bytes, kTag);
    return object;
  }

  /// To Valgrind, which knows the objects one by one.
  void announce_end() noexcept {
    if (!Valgrind::is_there()) return;
    home_.source().for_each_slab([](Slab& slab) {
      for (std::uint32_t i = 0; i != slab.capacity; ++i)
        if (Marks(slab, i).is_live()) Valgrind::freed(slab.objects + std::size_t{i} * slab.stride);
    });
  }

  bool watch_free(void* object, unsigned size_class, std::size_t bytes) noexcept {
    const char* reason = "it does not lie in this flux::Heap";
    if (home_.source().holds(object))
      reason = reason_against(object, size_class, bytes, [](const ThreadHeap*) { return true; });
    if (reason != nullptr) [[unlikely]]
      return refuse("free", reason, object, size_class, kTag);
    Slab& slab = Region::slab_of(object);
    Marks(slab, slab.object_at(object)).take_back();
    open_free(object, slab.stride);
    fill_free(object, slab.stride);
    announce_freed(object, kSizeClassInfo[size_class].stride);
    return true;
  }

  [[gnu::noinline]] void spill(unsigned size_class) noexcept {
    const bool is_scattered = !bins_.spill(size_class, home_);
    if (tidy(size_class) && is_scattered) bins_.shrink(size_class);
  }

  /// As in ThreadHeap: memory is used for what is needed now. Whether some went back.
  bool tidy(unsigned size_class) noexcept {
    bins_.sweep(size_class, home_);
    return home_.source().keep_limit(retention_limit.get(), SlabSource::kMostDiscards);
  }

  /// Gives back free memory that is more than what is left of the capacity. Not bounded, but only in a heap that
  /// is nearly full: there free units that lie scattered, or the rest of a huge page, would come on top of it.
  void keep_capacity() noexcept {
    SlabSource& source = home_.source();
    if (source.retained_bytes() <= source.left_bytes()) [[likely]]
      return;
    source.spare_no_block();
    source.discard_above(source.left_bytes(), SlabSource::kAllDiscards);
  }

  [[gnu::noinline]] void* allocate_large(std::size_t bytes, std::size_t alignment) {
    const std::uint32_t units = units_of(LargeBlocks::block_bytes(bytes, alignment));
    if (LargeBlocks::block_bytes(bytes, alignment) == SIZE_MAX) throw_bad_alloc();
    if (!home_.source().take_budget(units)) {
      bins_.empty_all(home_);  // slabs without live objects then take nothing
      if (!home_.source().take_budget(units)) throw_bad_alloc();
    }
    keep_capacity();
    Budget budget{home_.source(), units};
    void* const block = large_.allocate(bytes, alignment);
    budget.units = 0;
    large_units_ += units;
    return block;
  }

  /// Units that go back to the budget when the block does not come.
  struct Budget {
    SlabSource& source;
    std::uint32_t units;
    ~Budget() { source.give_budget(units); }
  };

  LargeBlocks large_;
  std::size_t large_units_ = 0;
  std::uint32_t most_units_;  ///< the capacity
  HomeSlabs home_;
  HeapBins bins_;  // last: its stacks are touched only as needed
};

static_assert(sizeof(InstanceHeap) <= SlabSource::kHeapUnits * kUnitBytes);

}  // namespace flux::inline FLUX_ABI::detail
