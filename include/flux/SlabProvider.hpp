#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <flux/Allocator.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Construct.hpp>
#include <flux/detail/heap/NamedDomain.hpp>

namespace flux::inline FLUX_ABI {

/// Slabs that hold nothing but objects of type T, under a name that statistics show: a domain of memory for one type,
/// which no other provider and no allocator shares. For every T up to 1 MiB, aligned up to 4 KiB; from 32 KiB on, where
/// containers go to `operator new`, a slab holds some dozen, of the largest two.
///
/// Stateless. Two names are two providers, and so are two types under one name. All functions may be called by any
/// thread, but not from signal handlers: what one thread takes, any other frees, at any time, also after the thread has
/// ended. Each thread that takes objects, or frees more
/// than some dozen of others, has a heap of its own for the provider, with a retention limit of its own
/// (flux/Control.hpp).
template <class T, detail::Name name>
class SlabProvider {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "flux::SlabProvider<T>: T must be an object type, no array, and not cv-qualified");

 public:
  using value_type = T;  ///< the type of the objects

  /// The tag of the provider's domain, as flux::reserve and flux::visit take it.
  using tag = detail::NamedDomain<T, name>;

  /// Destroys an object and frees its storage. Empty, so that a std::unique_ptr takes one pointer.
  struct Deleter {
    /// Requires an object of this provider; not nullptr. Any thread.
    void operator()(T* object) const noexcept {
      std::destroy_at(object);
      free_raw(object);
    }
  };
  /// Owns an object of the provider: one pointer wide. Any thread may end it.
  using unique_ptr = std::unique_ptr<T, Deleter>;

  /// Storage for one T, without an object. Throws std::bad_alloc.
  [[nodiscard]] static void* alloc_raw() {
    if constexpr (detail::kUsesSlabs)
      return detail::allocate<tag>(size_class(), sizeof(T));
    else
      return detail::operator_new(sizeof(T), alignof(T));
  }

  /// Frees storage. Requires that it came from alloc_raw of this provider, holds no object any more, and was not freed
  /// since; not nullptr.
  static void free_raw(void* storage) noexcept {
    if constexpr (detail::kUsesSlabs)
      detail::deallocate<tag>(storage, size_class(), sizeof(T));
    else
      detail::operator_delete(storage, sizeof(T), alignof(T));
  }

  /// A new T(args...), or T{args...} when T is an aggregate. Throws std::bad_alloc, and what the constructor throws; then nothing is left behind.
  template <class... Args>
  [[nodiscard]] static unique_ptr make(Args&&... args) {
    Storage storage;
    T* const object = detail::construct<T>(storage.get(), std::forward<Args>(args)...);
    storage.release();
    return unique_ptr(object);
  }

  /// A new T, default-initialised: members without an initialiser or a constructor are not set. Throws as make does.
  [[nodiscard]] static unique_ptr get_unique() {
    Storage storage;
    T* const object = ::new (storage.get()) T;
    storage.release();
    return unique_ptr(object);
  }

  /// The same as make, shared. The counts lie apart, in memory of flux::Allocator, so that the slabs hold objects of type T
  /// alone. Throws as make does.
  template <class... Args>
  [[nodiscard]] static std::shared_ptr<T> make_shared(Args&&... args) {
    return std::shared_ptr<T>(make(std::forward<Args>(args)...).release(), Deleter{}, Allocator<std::byte>{});
  }

  /// Has memory ready for `n` objects, for the calling thread: see flux::reserve. Throws std::bad_alloc.
  static void reserve(std::size_t n) {
    if (detail::kUsesSlabs && n != 0)
      detail::local_heap<tag>.reserve(size_class(), n, detail::find_bins<tag>());
  }

 private:
  /// Storage that goes back unless it is released.
  class Storage {
   public:
    Storage() : storage_(alloc_raw()) {}
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    ~Storage() {
      if (storage_ != nullptr) free_raw(storage_);
    }
    void* get() const noexcept { return storage_; }
    void release() noexcept { storage_ = nullptr; }

   private:
    void* storage_;
  };

  static constexpr unsigned size_class() noexcept {
    constexpr unsigned kClass = detail::size_class_of(sizeof(T), alignof(T), detail::kLargestObject);
    static_assert(kClass != detail::kNoSizeClass || !detail::kUsesSlabs,
                  "flux::SlabProvider<T>: T is larger than 1 MiB, or aligned beyond 4 KiB");
    return kClass;
  }
};

}  // namespace flux::inline FLUX_ABI
