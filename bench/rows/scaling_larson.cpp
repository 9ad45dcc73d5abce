// Do more threads get more done in a server, where objects outlive those who made them? After Larson and Krishnan
// (Memory allocation for long-running server applications, 1998): each thread replaces random objects of 16 to 512
// bytes among 1,000, then leaves all of them to another thread and goes on with what was left to it. Wall time per
// replacement of one thread.

#include <array>
#include <atomic>
#include <memory>

#include "support/AnySize.hpp"
#include "support/ThreadCounts.hpp"

namespace bench {
namespace {

class Slots {
 public:
  Slots() = default;
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  ~Slots() {
    for (AnySize* object : objects_) drop_any(object);
  }

  void replace_one(Random& random) {
    AnySize*& object = objects_[random.below(objects_.size())];
    drop_any(object);
    object = make_any(random);
  }

 private:
  std::array<AnySize*, 1'000> objects_{};
};

// Where threads leave their objects, and find others'. Empty between two rows.
std::array<std::atomic<Slots*>, 64> left_behind{};

void scaling_larson(benchmark::State& state) {
  constexpr std::size_t kReplacements = 2'000;
  Random random(static_cast<std::uint64_t>(state.thread_index()));
  auto slots = std::make_unique<Slots>();
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kReplacements; ++i) slots->replace_one(random);
    auto& place =
        left_behind[random.below(2 * static_cast<std::size_t>(state.threads())) % left_behind.size()];
    // acq_rel: pairs with itself in the other threads, whose objects come with the slots.
    Slots* const others = place.exchange(slots.release(), std::memory_order_acq_rel);
    slots.reset(others != nullptr ? others : new Slots);
  }
  slots.reset();
  if (state.thread_index() == 0) {
    for (auto& place : left_behind) delete place.exchange(nullptr, std::memory_order_acq_rel);
  }
  report(state, kReplacements);
}

const bool added = add_rows_of_threads("scaling_larson", scaling_larson);

}  // namespace
}  // namespace bench
