// Reads a run of carriers by the rules that Chain.hpp states.
#pragma once

#include <cstddef>
#include <flux/detail/heap/Chain.hpp>

#include "support/ObjectSets.hpp"

namespace flux::test {

/// The objects of a run that one chain or several were posted as: each carrier and what it carries. All
/// places of a carrier are filled, but for a chain's first, where a null ends them.
inline Objects objects_of(detail::Carrier* run, std::size_t stride) {
  Objects objects;
  for (detail::Carrier* carrier = run; carrier != nullptr; carrier = carrier->following()) {
    objects.push_back(carrier);
    for (std::size_t i = 0; i != detail::Carrier::carried_by(stride); ++i) {
      void* const carried = detail::Carrier::get(carrier->places() + i);
      if (carried == nullptr) break;
      objects.push_back(carried);
    }
  }
  return objects;
}

inline std::size_t carriers_of(const detail::Carrier* run) {
  std::size_t count = 0;
  for (const detail::Carrier* carrier = run; carrier != nullptr; carrier = carrier->following()) ++count;
  return count;
}

}  // namespace flux::test
