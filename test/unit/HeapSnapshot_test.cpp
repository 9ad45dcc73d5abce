// A snapshot says of every unit what it is used for, agrees with the numbers, and leaves alone whom trim leaves alone.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Control.hpp>
#include <flux/detail/heap/HeapSnapshot.hpp>
#include <vector>

#include "support/HeapObjects.hpp"
#include "support/ObjectSets.hpp"
#include "support/TagObjects.hpp"
#include "support/Threads.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(heap_snapshot)

namespace {

using namespace flux::test;
using namespace flux::detail;

using Uses = std::array<std::size_t, 6>;

std::size_t of(const Uses& uses, UnitUse use) { return uses[static_cast<std::size_t>(use)]; }

Uses uses_of(const HeapSnapshot& snapshot) {
  Uses uses{};
  for (const RegionSnapshot& region : snapshot.regions)
    for (const UnitState& unit : region.units) ++uses[static_cast<std::size_t>(unit.use)];
  return uses;
}

template <class Tag>
HeapSnapshot mine() {
  Wait wait;
  return snapshot_of(*local_heap<Tag>.heap(), wait);
}

/// Whether the units are those that the heap's own numbers tell of, and the snapshot's.
bool agrees(const HeapSnapshot& snapshot) {
  const HeapNumbers& numbers = snapshot.numbers;
  const SlabSource& source = snapshot.heap->home().source();
  const Uses uses = uses_of(snapshot);
  std::size_t units_of_slabs = 0, all_slabs = 0;
  for (unsigned c = 0; c != kSizeClasses; ++c) {
    std::size_t slabs = 0, home = 0;
    for (const RegionSnapshot& region : snapshot.regions) {
      for (std::size_t u = 0; u < kUnitsPerRegion; u += flux::detail::units_of(region.units[u])) {
        if (region.units[u].use != UnitUse::kSlab || region.units[u].size_class != c) continue;
        ++slabs;
        home += region.units[u].home;
      }
    }
    units_of_slabs += slabs * kSizeClassInfo[c].units;
    all_slabs += slabs;
    if (slabs != snapshot.heap->home().slabs(c) || home != snapshot.heap->home().home(c)) return false;
  }
  const std::size_t all = snapshot.regions.size() * kUnitsPerRegion;
  return of(uses, UnitUse::kSlab) == units_of_slabs &&
         of(uses, UnitUse::kRetained) * kUnitBytes == source.retained_bytes() &&
         (all - of(uses, UnitUse::kReserved)) * kUnitBytes == source.committed_bytes() &&
         numbers.slabs == all_slabs && numbers.retained_bytes == source.retained_bytes() &&
         numbers.committed_bytes == source.committed_bytes();
}

}  // namespace

BOOST_AUTO_TEST_CASE(units_agree_with_the_numbers_in_every_state_of_a_heap) {
  struct Tag;
  run_thread([] {
    Objects few = take<Tag>(10);
    BOOST_TEST(agrees(mine<Tag>()));
    BOOST_TEST(of(uses_of(mine<Tag>()), UnitUse::kSlab) == 1u);
    const Uses fresh = uses_of(mine<Tag>());
    BOOST_TEST(of(fresh, UnitUse::kOwn) == kHeaderUnits + SlabSource::kHeapUnits);
    std::vector<Objects> objects;
    for (unsigned c = 0; c != kSizeClasses; ++c)  // slabs of every number of units, several regions
      objects.push_back(take<Tag>(std::min<std::size_t>(3000, (std::size_t{4} << 20) / stride_of(c)), c));
    BOOST_TEST(mine<Tag>().regions.size() > 4u);
    BOOST_TEST(agrees(mine<Tag>()));
    for (unsigned c = 0; c != kSizeClasses; c += 2) give<Tag>(objects[c], c);
    BOOST_TEST(agrees(mine<Tag>()));
    BOOST_TEST(of(uses_of(mine<Tag>()), UnitUse::kRetained) > 0u);
    flux::trim();
    BOOST_TEST(agrees(mine<Tag>()));
    BOOST_TEST(of(uses_of(mine<Tag>()), UnitUse::kRetained) == 0u);
    for (unsigned c = 1; c < kSizeClasses; c += 2) give<Tag>(objects[c], c);
    give<Tag>(few);
    BOOST_TEST(agrees(mine<Tag>()));
  });
}

BOOST_AUTO_TEST_CASE(units_left_out_before_huge_pages_begin_are_known) {
  struct Tag;
  const WithHugePagesFrom setting(std::size_t{1} << 20);
  run_thread([] {
    const Objects objects = take<Tag>(1);
    if (mine<Tag>().regions.size() != 1) return;  // a heap that was made before
    BOOST_TEST(of(uses_of(mine<Tag>()), UnitUse::kWithheld) > 0u);
    BOOST_TEST(agrees(mine<Tag>()));
    give<Tag>(objects);
  });
}

BOOST_AUTO_TEST_CASE(heaps_of_other_threads_and_of_ended_ones_are_looked_at) {
  struct Tag;
  ThreadHeap* heap = nullptr;
  Objects objects;
  const auto agrees_from_outside = [&heap] {
    Wait wait;
    const HeapSnapshot snapshot = snapshot_of(*heap, wait);
    return snapshot.regions.size() == 1 && agrees(snapshot) && snapshot.numbers.is_owned == heap->is_owned();
  };
  bool of_a_living_one = false;
  run_thread([&] {
    objects = take<Tag>(5000);
    heap = local_heap<Tag>.heap();
    run_thread([&] { of_a_living_one = agrees_from_outside(); });
  });
  BOOST_TEST(of_a_living_one);
  BOOST_TEST(agrees_from_outside());
  run_thread([&] { give<Tag>(objects); });
}

BOOST_AUTO_TEST_CASE(a_heap_whose_thread_has_reserved_memory_is_seen_by_itself_alone) {
  struct Tag;
  run_thread([] {
    flux::reserve<Tag>(64, 1000);
    BOOST_TEST(agrees(mine<Tag>()));
    BOOST_TEST(mine<Tag>().regions.size() == 1u);
    std::size_t regions = 1;
    run_thread([heap = local_heap<Tag>.heap(), &regions] {
      Wait wait;
      regions = snapshot_of(*heap, wait).regions.size();
    });
    BOOST_TEST(regions == 0u);
  });
}

BOOST_AUTO_TEST_SUITE_END()
