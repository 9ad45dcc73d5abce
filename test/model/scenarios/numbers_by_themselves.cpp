// Numbers that stand for themselves: their orders are relaxed, their operations count.
#include "../Begin.hpp"

#include <flux/detail/base/Settings.hpp>
#include <flux/detail/heap/Attendance.hpp>
#include <flux/detail/heap/ParkedBytes.hpp>
#include <flux/detail/slab/RegionMap.hpp>

#include "../End.hpp"

namespace {

using flux::detail::Attendance;
using flux::detail::Count;
using flux::detail::ParkedBytes;
using flux::detail::ParkedShare;
using flux::detail::region_map;
using flux::detail::Setting;

MODEL_SCENARIO(parked_bytes_shares_never_exceed_the_limit) {
  constexpr std::size_t kLimit = 100;
  ParkedBytes all;
  std::array<ParkedShare, 3> shares;
  model::threads([&] { shares[0].claim(all, 60, kLimit); },
                 [&] {
                   shares[1].claim(all, 60, kLimit);
                   shares[1].give_up(all);
                 },
                 [&] { shares[2].claim(all, 60, kLimit); });
  const std::size_t sum = shares[0].bytes() + shares[2].bytes();
  model::check(sum <= kLimit && sum >= 40, "the shares exceed the limit, or nothing was granted");
  model::check(all.claim(1000, 1000) == 1000 - sum, "the sum of all shares is wrong");
}

MODEL_SCENARIO(setting_code_goes_before_the_environment) {
  Setting setting{"FLUX_MODEL_NOT_SET", 3, "3", {"none", 0}, {"all", SIZE_MAX}};
  model::threads(
      [&] {
        const std::size_t value = setting.get();
        model::check(value == 3 || value == 5, "a number that nobody set");
      },
      [&] {
        setting.set(5);
        model::check(setting.get() == 5, "what a thread set is not what it gets");
      });
  model::check(setting.get() == 5, "the environment goes before code");
}

MODEL_SCENARIO(attendance_counts_every_post) {
  Attendance attendance;
  Count<std::uint64_t> slow_calls = 0;
  model::threads([&] { attendance.note_post(slow_calls, false); },
                 [&] { attendance.note_post(slow_calls, false); },
                 [&] {
                   slow_calls += 1;
                   attendance.begin();
                 });
  model::check(attendance.posts() == 2, "a post was not counted");
}

/// A region as its opener and those who find it by an object's address know it: Region::open in a few lines, on data
/// whose races are seen.
struct Header {
  model::Data<std::uint64_t> magic;
  model::Data<int> owner;

  void open() {
    magic.set(1);
    owner.set(1);
  }
};

MODEL_SCENARIO(region_whoever_holds_an_object_finds_its_region) {
  Header header;
  auto* const region = reinterpret_cast<std::byte*>(std::uintptr_t{5} * flux::detail::kRegionBytes);
  auto* const neighbour = region + flux::detail::kRegionBytes;
  region_map.remove(region);
  region_map.remove(neighbour);
  model::Atomic<bool> is_handed_over{false};  // by the program, which synchronises
  model::threads(
      [&] {
        header.open();
        region_map.add(region);
        is_handed_over.store(true, std::memory_order_release);
      },
      [&] { region_map.add(neighbour); },
      [&] {
        if (!is_handed_over.load(std::memory_order_acquire)) return;
        model::check(region_map.holds(region + 64), "a region that is not in the map yet");
        model::check(header.magic.get() == 1 && header.owner.get() == 1, "a region half open");
      });
  model::check(region_map.holds(region) && region_map.holds(neighbour), "a bit of the map was lost");
}

}  // namespace
