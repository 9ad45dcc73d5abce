#pragma once

#include <cstddef>

namespace bench {

/// Boost's pooled allocators of version 2 take single objects from their pool only when they are asked by allocate_one,
/// as Boost's containers do: here everybody does.
template <class T, template <class> class Pooled>
class BoostNodes : public Pooled<T> {
 public:
  template <class U>
  struct rebind {
    using other = BoostNodes<U, Pooled>;
  };

  BoostNodes() noexcept = default;
  template <class U>
  BoostNodes(const BoostNodes<U, Pooled>&) noexcept {}

  T* allocate(std::size_t n) { return n == 1 ? this->allocate_one() : Pooled<T>::allocate(n); }
  void deallocate(T* p, std::size_t n) noexcept {
    n == 1 ? this->deallocate_one(p) : Pooled<T>::deallocate(p, n);
  }
};

}  // namespace bench
