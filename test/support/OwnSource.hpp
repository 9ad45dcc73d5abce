// A slab source that belongs to the test alone.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/slab/SlabSource.hpp>
#include <vector>

#include "support/FailingPageSource.hpp"

namespace flux::test {

using Slabs = std::vector<detail::Slab*>;

/// An open source whose memory is released at the end.
struct OwnSource {
  explicit OwnSource(std::size_t address_limit = kModestPieces,
                     std::size_t page_bytes = detail::System::page_bytes())
      : pages(address_limit, page_bytes) {
    BOOST_REQUIRE(source.open_first());
    source.take_heap_units();
  }
  detail::SlabSource* operator->() { return &source; }

  Slabs carve(std::size_t count, unsigned size_class) {
    Slabs slabs;
    for (std::size_t i = 0; i != count; ++i) slabs.push_back(source.carve(size_class));
    return slabs;
  }
  void retire(const Slabs& slabs) {
    for (detail::Slab* slab : slabs) source.retire(*slab);
  }
  std::size_t slabs_in_use() {
    std::size_t count = 0;
    source.for_each_slab([&](const detail::Slab&) { ++count; });
    return count;
  }

  FailingPageSource pages;
  detail::SlabSource source;
};

}  // namespace flux::test
