// Random operations against a model: no two allocations overlap, none is misaligned, none is written to by
// others. Every run draws its own operations; FLUX_TEST_SEED replays those of a failed one.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <span>
#include <string>

#include "support/Kinds.hpp"
#include "support/Ledger.hpp"
#include "support/Objects.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(random_operations)

namespace {

using namespace flux::test;

class Model {
 public:
  explicit Model(std::uint64_t stream) : random_(stream) {}

  /// Steps until something is wrong, then frees everything; returns what was wrong, or an empty text.
  std::string run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && complaint_.empty(); ++i) step();
    free(take(Order::kRandom, holdings_.size()));
    if (ledger_.size() != 0) complain("held in the model only");
    return complaint_;
  }

 private:
  void allocate(const Kind& kind, std::size_t count) { enter(hold(kind, count, ++mark_)); }

  void allocate_some() {
    const Kind& kind = draw_kind();
    const std::size_t most = random_.below(4) == 0 ? 500 : 20;
    for (std::size_t left = 1 + random_.below(most); left > 0; --left) allocate(kind, 1);
  }

  void allocate_array() { allocate(draw_kind(), 2 + random_.below(10)); }

  void free_some(Order order) { free(take(order, random_.below(holdings_.size() + 1))); }

  void free_some_elsewhere(Order order) {
    const Holdings taken = take(order, random_.below(holdings_.size() + 1));
    strike(taken);
    run_thread([&] { free_all(taken); });
  }

  // The other thread allocates, and this one frees at some later step.
  void allocate_elsewhere() {
    Holdings made;
    const Kind& kind = draw_kind();
    const std::size_t count = 1 + random_.below(300);
    run_thread([&] {
      for (std::size_t i = 0; i < count; ++i) made.push_back(hold(kind, 1, mark_ + i));
    });
    mark_ += count;
    for (const Holding& holding : made) enter(holding);
  }

  void step() {
    const auto order = kOrders[random_.below(3)];
    const std::size_t choice = random_.below(100);
    if (choice < 50) return allocate_some();
    if (choice < 60) return allocate_array();
    if (choice < 90) return free_some(order);
    if (choice < 95) return free_some_elsewhere(order);
    return allocate_elsewhere();
  }

  const Kind& draw_kind() {
    const std::size_t choice = random_.below(10);
    if (choice < 5) return draw_from(kinds_by_size(320));
    if (choice < 8) return draw_from(kinds_by_size());
    return draw_from(kinds_by_alignment());
  }
  const Kind& draw_from(std::span<const Kind> kinds) { return kinds[random_.below(kinds.size())]; }

  // The `count` newest holdings, in the order in which they shall be freed.
  Holdings take(Order order, std::size_t count) {
    if (order == Order::kRandom) std::ranges::shuffle(holdings_, random_);
    const auto first = holdings_.end() - static_cast<std::ptrdiff_t>(count);
    Holdings taken(first, holdings_.end());
    holdings_.erase(first, holdings_.end());
    arrange(taken, order, random_);
    return taken;
  }

  void enter(const Holding& holding) {
    complain(ledger_.enter(holding));
    holdings_.push_back(holding);
  }

  void strike(const Holdings& taken) {
    for (const Holding& holding : taken) complain(ledger_.strike(holding));
  }

  static void free_all(const Holdings& taken) {
    for (const Holding& holding : taken) holding.free();
  }

  void free(const Holdings& taken) {
    strike(taken);
    free_all(taken);
  }

  void complain(const std::string& complaint) {
    if (complaint_.empty()) complaint_ = complaint;
  }

  Random random_;
  Ledger ledger_;
  Holdings holdings_;
  std::uint64_t mark_ = 0;
  std::string complaint_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_allocation_is_apart_aligned_and_intact_until_it_is_freed) {
  BOOST_TEST(Model(1).run(scaled(10'000)) == "");
}

BOOST_AUTO_TEST_CASE(the_same_holds_on_a_thread_of_its_own) {
  std::string complaint;
  run_thread([&] { complaint = Model(2).run(scaled(3000)); });
  BOOST_TEST(complaint == "");
}

BOOST_AUTO_TEST_CASE(the_same_holds_on_several_threads_at_once) {
  std::array<std::string, 4> complaints;
  run_threads(complaints.size(),
              [&](std::size_t index) { complaints[index] = Model(3 + index).run(scaled(3000)); });
  for (const std::string& complaint : complaints) BOOST_TEST(complaint == "");
}

BOOST_AUTO_TEST_CASE(the_same_holds_in_many_short_lives) {
  for (std::uint64_t life = 0; life < scaled(300); ++life) BOOST_TEST(Model(100 + life).run(30) == "");
}

BOOST_AUTO_TEST_SUITE_END()
