#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Count.hpp>
#include <flux/detail/base/Misuse.hpp>
#include <flux/detail/heap/Chain.hpp>
#include <flux/detail/heap/Inbox.hpp>
#include <flux/detail/slab/Marks.hpp>
#include <flux/detail/slab/SlabSource.hpp>

namespace flux::inline FLUX_ABI::detail {

// Objects that came home to a thread heap through its inbox, and wait to be put into their slabs. What takes them apart
// stops after some hundred, so that no call does unbounded work; the rest waits here. Of whoever holds the heap's lock.
//
//   pending_: carriers of whole chains, taken out of the inbox and not yet apart
class Arrivals {
 public:
  // In a call: as many objects as lie alone, and chains of such as lie together, whose slabs may all become unused.
  static constexpr std::size_t kMostRuns = 512;
  static constexpr std::size_t kMostChains = 64;

  bool is_empty() const noexcept { return pending_ == nullptr; }
  Carrier* peek() const noexcept { return pending_; }

  /// Chains taken apart, from the beginning on. Any thread.
  std::uint64_t chains() const noexcept { return chains_; }

  /// What waits goes on, or what has come to the inbox since: hands it to `put(ObjectRun* first, ObjectRun* last)`, at most kMostRuns and
  /// those of the carrier that reaches that number, of kMostChains. `source` and `tag` are the heap's.
  template <class Put>
  void take(Inbox& inbox, const SlabSource& source, const char* tag, Put put) noexcept {
    Runs runs;
    std::size_t posted_alone = 0;
    inbox.take_runs([&](ObjectRun run) { runs[posted_alone++] = run; });
    put(runs.data(), runs.data() + posted_alone);
    chains_ += posted_alone;
    if (pending_ == nullptr) pending_ = inbox.take_all();
    const std::uint64_t last_chain = chains_ + kMostChains - posted_alone;
    for (std::size_t taken = 0; pending_ != nullptr && taken < kMostRuns && chains_ != last_chain;) {
      Carrier* const carrier = pending_;
      pending_ = carrier->following();
      if (carrier->ends_chain()) chains_ += 1;
      __builtin_prefetch(pending_);
      const std::size_t places = Carrier::carried_by(Region::slab_of(carrier).stride);
      std::size_t count = unload(carrier, places, runs);
      if constexpr (FLUX_CHECKED) {
        const std::size_t words = std::min(count + 1, 1 + places);  // with the null
        if (is_overwritten(source, carrier, runs, count, tag)) count = 0;
        fill_free(carrier, words * sizeof(void*));
      }
      put(runs.data(), runs.data() + count);
      taken += count;
    }
  }

 private:
  using Runs = std::array<ObjectRun, 1 + Carrier::kMostCarried>;  // of a carrier, or posted by themselves
  static_assert(Inbox::kPlaces <= 1 + Carrier::kMostCarried);

  /// How many runs a carrier names, which are written to `runs`.
  static std::size_t unload(Carrier* carrier, std::size_t places, Runs& runs) noexcept {
    std::size_t count = 0;
    carrier->for_each_run(places, [&](ObjectRun run) { runs[count++] = run; });
    return count;
  }

  /// In a checked build: whether a word of a carrier says what cannot be. What it names, and what follows, is lost then.
  bool is_overwritten(const SlabSource& source, const Carrier* carrier, const Runs& runs, std::size_t count,
                      const char* tag) noexcept {
    const bool is_good = (pending_ == nullptr || source.holds(pending_)) &&
                         std::all_of(runs.data(), runs.data() + count,
                                     [&source](ObjectRun run) { return is_free(source, run); });
    if (is_good) [[likely]]
      return false;
    report_misuse({"collect", "a free object was written to: its link leads nowhere", carrier, 0, tag});
    pending_ = nullptr;
    return true;
  }

  /// Whether a run is of objects of the heap, and of its class, that are not live.
  static bool is_free(const SlabSource& source, ObjectRun run) noexcept {
    if (run.count() > ObjectRun::kMost || !source.holds(run.first())) return false;
    const std::size_t stride = Region::slab_of(run.first()).stride;
    for (std::uint32_t i = 0; i != run.count(); ++i) {
      std::byte* const object = run.first() + i * stride;
      if (Region::of(object) != Region::of(run.first())) return false;
      Slab& slab = Region::slab_of(object);
      if (slab.capacity == 0 || !slab.holds(object) || !slab.is_of(run)) return false;
      const std::uint32_t index = slab.object_at(object);
      if (index == slab.capacity || Marks(slab, index).is_live()) return false;
    }
    return true;
  }

  Carrier* pending_ = nullptr;
  Count<std::uint64_t> chains_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
