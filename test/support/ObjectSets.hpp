// Addresses of objects, as a set.
#pragma once

#include <algorithm>
#include <vector>

namespace flux::test {

using Objects = std::vector<void*>;

inline bool are_distinct(Objects objects) {
  std::ranges::sort(objects);
  return std::ranges::adjacent_find(objects) == objects.end();
}

inline bool is_same_set(Objects one, Objects other) {
  std::ranges::sort(one);
  std::ranges::sort(other);
  return one == other;
}

inline void append(Objects& objects, const Objects& more) {
  objects.insert(objects.end(), more.begin(), more.end());
}

inline Objects joined(Objects one, const Objects& other) {
  append(one, other);
  return one;
}

}  // namespace flux::test
