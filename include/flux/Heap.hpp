#pragma once

#include <bit>
#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <type_traits>

#include <flux/Allocator.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/InstanceHeap.hpp>
#include <flux/detail/heap/Resource.hpp>

/// @file
/// Heaps that a program makes and drops as a whole, with what is in them.

namespace flux::inline FLUX_ABI {

template <class T>
class HeapAllocator;

/// A heap of its own, for one thread at a time: sizes up to 32 KiB come from its slabs, all else from `operator new`,
/// and everything goes at once, by release() or with the heap, in time that depends on slabs and not on objects.
///
/// For structures that are built up, used and dropped whole: a session's order book, a request, a frame. Containers in
/// it take a HeapAllocator or a HeapResource. After release(), and after the heap's end, they must not be used, nor
/// destroyed but when their destructor frees nothing: put the container itself into the heap, or leave its destructor
/// out, and nothing visits the objects.
///
/// All functions: not by two threads at once. A heap may be handed to another thread, as any object may. It takes
/// address space for at least 32 MiB (1 GiB where there is much), some 30 KiB before it holds anything, and two
/// mappings, of which Linux grants a process 65,530 by default.
class Heap {
 public:
  /// As a capacity: no limit.
  static constexpr std::size_t kUnlimited = SIZE_MAX;

  /// A heap whose slabs and large blocks, with the free memory that it keeps, never take more than `capacity`
  /// bytes together; then allocate throws. Counted in steps of 64 KiB: for the first object of a size a slab takes
  /// 64 KiB, or as much as 16 objects of its size rounded up to a power of two, and a large block its size and 48
  /// bytes, or its alignment, rounded up. Its own records take 3 % besides, and some 30 KiB. Throws std::bad_alloc.
  explicit Heap(std::size_t capacity = kUnlimited) : heap_(detail::InstanceHeap::create(capacity)) {
    if (heap_ == nullptr) detail::throw_bad_alloc();
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  /// Gives all memory back to the system. No object in it is destroyed.
  ~Heap() { detail::InstanceHeap::close(heap_); }

  /// `bytes` at a multiple of `alignment`, a power of two, at an address of its own also when `bytes` is 0. Throws
  /// std::bad_alloc, and leaves everything as it was, when memory is out or the capacity is used up;
  /// std::invalid_argument when the alignment is no power of two.
  [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    if (!std::has_single_bit(alignment)) [[unlikely]]
      std::__throw_invalid_argument("flux::Heap::allocate: the alignment is not a power of two");
    return heap_->allocate(bytes, alignment);
  }

  /// Frees what allocate of this heap gave for the same size and alignment, and that was not freed since, nor by release().
  void deallocate(void* p, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) noexcept {
    heap_->deallocate(p, bytes, alignment);
  }

  /// Frees everything. No object is destroyed. The memory stays the heap's, for what comes next; above the retention
  /// limit of flux/Control.hpp it goes back as the heap is used again, or by trim().
  void release() noexcept { heap_->release(); }

  /// Gives back to the system all memory that holds no object; returns the bytes.
  std::size_t trim() noexcept { return heap_->trim(); }

  /// What slabs with objects and large blocks take, bytes: with the free memory that is kept no more than the capacity.
  std::size_t used_bytes() const noexcept { return heap_->used_bytes(); }

  /// Whether all structures agree; takes time with the heap. For tests.
  bool is_valid() const noexcept { return heap_->is_valid(); }

 private:
  template <class T>
  friend class HeapAllocator;

  detail::InstanceHeap* heap_;
};

/// An allocator for containers in a Heap. Requires that the heap lives as long as the allocator and its copies are used.
///
/// Equal when of the same heap. Moves and swaps of containers take the heap along, so that they take constant time,
/// where the container's own do; a copy of a container is made in the same heap, and what is assigned to a container by copy stays in
/// the container's own. Not by two threads at once.
template <class T>
class HeapAllocator {
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                "flux::HeapAllocator<T>: T must not be cv-qualified");

 public:
  using value_type = T;                                            ///< what is allocated
  using propagate_on_container_copy_assignment = std::false_type;  ///< copies stay in a container's heap
  using propagate_on_container_move_assignment = std::true_type;   ///< moves take the heap along
  using propagate_on_container_swap = std::true_type;              ///< and so do swaps
  using is_always_equal = std::false_type;                         ///< equal where the heap is the same

  /// Of a heap, which has to outlive the use of this and all copies. Implicit, so that a container is made of a heap.
  HeapAllocator(Heap& heap) noexcept : heap_(heap.heap_) {}
  /// Of the same heap, for another type.
  template <class U>
  HeapAllocator(const HeapAllocator<U>& other) noexcept : heap_(other.heap_) {}

  /// Storage for `n` objects. Throws std::bad_array_new_length when they exceed the address space, std::bad_alloc when
  /// memory is out or the heap's capacity is used up.
  [[nodiscard]] T* allocate(std::size_t n) {
    constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max()) / sizeof(T);
    if (is_slab_object(n)) return static_cast<T*>(heap_->allocate_object(size_class(), sizeof(T)));
    if (n > kMost) detail::throw_bad_array_new_length();
    return static_cast<T*>(heap_->allocate(n * sizeof(T), alignof(T)));
  }
  /// Storage for exactly `n` objects; throws what allocate throws.
  [[nodiscard]] AllocationResult<T*> allocate_at_least(std::size_t n) { return {allocate(n), n}; }

  /// Frees storage. Requires that `p` came from allocate(n) of an equal allocator, and was not freed since.
  void deallocate(T* p, std::size_t n) noexcept {
    if (is_slab_object(n)) return heap_->deallocate_object(p, size_class(), sizeof(T));
    heap_->deallocate(p, n * sizeof(T), alignof(T));
  }

  /// Whether both are of the same heap, so that each frees what the other gave.
  template <class U>
  friend bool operator==(const HeapAllocator& left, const HeapAllocator<U>& right) noexcept {
    return left.is_of(right);
  }

 private:
  template <class U>
  friend class HeapAllocator;

  static constexpr unsigned size_class() noexcept { return detail::size_class_of(sizeof(T), alignof(T)); }

  /// Known at compile time where n is, so that a node takes the short way.
  static constexpr bool is_slab_object(std::size_t n) noexcept {
    return n == 1 && size_class() != detail::kNoSizeClass;
  }

  template <class U>
  bool is_of(const HeapAllocator<U>& other) const noexcept {
    return heap_ == other.heap_;
  }

  detail::InstanceHeap* heap_;
};

/// A `std::pmr::memory_resource` over a Heap, which must outlive it. Equal to itself and to others of the same heap. Not
/// by two threads at once.
class HeapResource final : public std::pmr::memory_resource {
 public:
  /// Of a heap, which has to outlive it.
  explicit HeapResource(Heap& heap) noexcept : heap_(&heap) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return heap_->allocate(bytes, alignment);
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    heap_->deallocate(p, bytes, alignment);
  }
  /// Not inlined: where g++ sees that `other` is another type's it warns of what it is not cast to.
  [[gnu::noinline]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return detail::is_same_type<std::pmr::memory_resource>(*this, other) &&
           static_cast<const HeapResource&>(other).heap_ == heap_;
  }

  Heap* heap_;
};

}  // namespace flux::inline FLUX_ABI
