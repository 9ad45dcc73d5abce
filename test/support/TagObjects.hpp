// Objects of a tag, by the fast paths.
#pragma once

#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <span>

#include "support/ObjectSets.hpp"

namespace flux::test {

inline constexpr unsigned kUsualClass = 7;  // 64 bytes

template <class Tag>
Objects take(std::size_t count, unsigned size_class = kUsualClass) {
  Objects objects(count);
  for (void*& object : objects) object = detail::allocate<Tag>(size_class);
  return objects;
}

template <class Tag>
void give(std::span<void* const> objects, unsigned size_class = kUsualClass) {
  for (void* object : objects) detail::deallocate<Tag>(object, size_class);
}

/// Takes the last `count` objects away from `objects`.
inline Objects split(Objects& objects, std::size_t count) {
  const Objects last(objects.end() - static_cast<std::ptrdiff_t>(count), objects.end());
  objects.resize(objects.size() - count);
  return last;
}

}  // namespace flux::test
