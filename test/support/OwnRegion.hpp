// A region that belongs to the test alone, all of it accessible.
#pragma once

#include <flux/detail/slab/Region.hpp>

namespace flux::test {

class OwnRegion {
 public:
  OwnRegion() : memory_(detail::kSystemPages.reserve(detail::kRegionBytes, detail::kRegionBytes)) {
    region_ = detail::Region::open(memory_, nullptr, 0, detail::kUnitsPerRegion);
    while (region_->committed_units != detail::kUnitsPerRegion) region_->commit_next();
  }
  OwnRegion(const OwnRegion&) = delete;
  OwnRegion& operator=(const OwnRegion&) = delete;
  ~OwnRegion() { detail::kSystemPages.release(memory_, detail::kRegionBytes); }

  detail::Region& operator*() const { return *region_; }
  detail::Region* operator->() const { return region_; }

  /// Takes the lowest free units; kUnitsPerRegion when there are none.
  std::size_t take_lowest(std::size_t count) {
    const std::size_t index = region_->find_units(count);
    if (index != detail::kUnitsPerRegion) region_->take_units(index, count);
    return index;
  }

  /// The lowest free units, cut into objects of the class.
  detail::Slab& carve(unsigned size_class) {
    const std::size_t units = detail::kSizeClassInfo[size_class].units;
    const std::size_t index = take_lowest(units);
    detail::Slab& slab = region_->slabs[index];
    slab.carve(region_->unit(index), size_class);
    for (std::size_t u = 1; u < units; ++u) (&slab)[u].units_back = static_cast<std::uint8_t>(u);
    return slab;
  }

 private:
  std::byte* memory_;
  detail::Region* region_ = nullptr;
};

/// Takes objects until `left` are home.
inline void take_all_but(detail::Slab& slab, std::uint32_t left) {
  void* taken[1];
  while (slab.free > left) slab.take(taken, taken, taken + 1);
}

/// Brings the lowest objects home until `count` are. Requires that none is home.
inline void put_lowest(detail::Slab& slab, std::uint32_t count) {
  for (std::uint32_t i = 0; i != count; ++i) {
    void* object = slab.objects + std::size_t{i} * slab.stride;
    slab.put(&object, &object + 1);
  }
}

}  // namespace flux::test
