// Do more threads get more done when everything is mixed? After mimalloc's stress test: each thread keeps 1,000
// objects of 16 to 512 bytes, replaces random ones, and exchanges one in eight with a place that all threads use.
// Wall time per replacement of one thread.

#include <array>
#include <atomic>

#include "support/AnySize.hpp"
#include "support/ThreadCounts.hpp"

namespace bench {
namespace {

// Objects that change hands. Empty between two rows.
std::array<std::atomic<AnySize*>, 512> exchanged{};

void scaling_mstress(benchmark::State& state) {
  constexpr std::size_t kReplacements = 2'000;
  Random random(static_cast<std::uint64_t>(state.thread_index()));
  std::array<AnySize*, 1'000> kept{};
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kReplacements; ++i) {
      AnySize*& object = kept[random.below(kept.size())];
      drop_any(object);
      object = make_any(random);
      // acq_rel: pairs with itself in the other threads, who made the object that comes out.
      if (i % 8 == 0)
        object = exchanged[random.below(exchanged.size())].exchange(object, std::memory_order_acq_rel);
    }
  }
  for (AnySize* object : kept) drop_any(object);
  if (state.thread_index() == 0) {
    for (auto& place : exchanged) drop_any(place.exchange(nullptr, std::memory_order_acq_rel));
  }
  report(state, kReplacements);
}

const bool added = add_rows_of_threads("scaling_mstress", scaling_mstress);

}  // namespace
}  // namespace bench
