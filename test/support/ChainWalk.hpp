// Reads carriers by the rules that Chain.hpp states.
#pragma once

#include <cstddef>
#include <flux/detail/heap/Chain.hpp>

#include "support/ObjectSets.hpp"

namespace flux::test {

/// The objects that one chain or several carry whose carriers are of `stride` bytes, from `first` on: each carrier begins a run, and
/// names one in each of its places. All of these are filled, but for a chain's first carrier, where a null ends them.
inline Objects objects_of(detail::Carrier* first, std::size_t stride) {
  Objects objects;
  const auto add = [&objects](void* object) { objects.push_back(object); };
  for (detail::Carrier* carrier = first; carrier != nullptr; carrier = carrier->following()) {
    carrier->own().for_each(add);
    for (std::size_t i = 0; i != detail::Carrier::carried_by(stride); ++i) {
      const detail::ObjectRun named = detail::Carrier::get(carrier->places() + i);
      if (named.is_none()) break;
      named.for_each(add);
    }
  }
  return objects;
}

inline std::size_t carriers_of(const detail::Carrier* first) {
  std::size_t count = 0;
  for (const detail::Carrier* carrier = first; carrier != nullptr; carrier = carrier->following()) ++count;
  return count;
}

}  // namespace flux::test
