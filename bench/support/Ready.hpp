#pragma once

#include <cstddef>
#include <vector>

namespace bench {

/// Has memory ready for `n` objects of the allocator's type. An allocator that offers nothing for that allocates
/// so many, touches them and frees them.
template <class Alloc>
struct Ready {
  static void make(std::size_t n) {
    Alloc alloc;
    std::vector<typename Alloc::value_type*> objects(n);
    for (auto*& object : objects) object = ::new (alloc.allocate(1)) typename Alloc::value_type{};
    for (auto* object : objects) alloc.deallocate(object, 1);
  }
};

}  // namespace bench
