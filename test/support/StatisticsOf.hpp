// The numbers of one tag, out of all that flux::stats() says.
#pragma once

#include <cstddef>
#include <flux/Statistics.hpp>

namespace flux::test {

/// Those of a tag; all zero where no thread ever had a heap for it.
template <class Tag>
DomainStatistics statistics_of() {
  const char* const name = detail::domain_info<Tag>.name;
  for (const DomainStatistics& domain : stats().domains)
    if (domain.tag.data() == name) return domain;
  return {};
}

/// Those of the class with such objects; all zero where it has no slab.
inline ClassStatistics class_of(const DomainStatistics& domain, std::size_t object_size) {
  for (const ClassStatistics& objects : domain.classes)
    if (objects.object_size == object_size) return objects;
  return {};
}

/// Live objects of a tag.
template <class Tag>
std::size_t live_of() {
  std::size_t live = 0;
  for (const ClassStatistics& objects : statistics_of<Tag>().classes) live += objects.live;
  return live;
}

}  // namespace flux::test
