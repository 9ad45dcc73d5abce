#pragma once

#include <cstddef>
#include <memory>

namespace bench {

/// An allocator for peers that are made for single objects: Single<T> with static allocate() and deallocate(T*) serves
/// those, std::allocator the arrays, as the peers' own documents advise.
template <class T, template <class> class Single>
class Singles {
 public:
  using value_type = T;
  template <class U>
  struct rebind {
    using other = Singles<U, Single>;
  };

  Singles() noexcept = default;
  template <class U>
  Singles(const Singles<U, Single>&) noexcept {}

  T* allocate(std::size_t n) { return n == 1 ? Single<T>::allocate() : std::allocator<T>{}.allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept {
    n == 1 ? Single<T>::deallocate(p) : std::allocator<T>{}.deallocate(p, n);
  }

  friend bool operator==(const Singles&, const Singles&) noexcept { return true; }
};

}  // namespace bench
