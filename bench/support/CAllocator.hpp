#pragma once

#include <cstddef>
#include <new>

namespace bench {

/// An allocator over a pair of C functions: Source::allocate(bytes) and Source::deallocate(address, bytes).
template <class T, class Source>
class CAllocator {
 public:
  using value_type = T;
  template <class U>
  struct rebind {
    using other = CAllocator<U, Source>;
  };

  CAllocator() noexcept = default;
  template <class U>
  CAllocator(const CAllocator<U, Source>&) noexcept {}

  T* allocate(std::size_t n) {
    void* const p = Source::allocate(n * sizeof(T));
    if (p == nullptr) throw std::bad_alloc{};
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t n) noexcept { Source::deallocate(p, n * sizeof(T)); }

  friend bool operator==(const CAllocator&, const CAllocator&) noexcept { return true; }
};

}  // namespace bench
