// Random operations on pools against a model, and handles made up at random: of all 64-bit patterns a pool
// knows those of its live objects, and no others. FLUX_TEST_SEED replays the numbers of a failed run.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/HandlePool.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/Seed.hpp"
#include "support/Threads.hpp"
#include "support/Tracked.hpp"

namespace {

using namespace flux::test;

using Pool = flux::HandlePool<Tracked>;
using Handle = flux::Handle<Tracked>;

/// A pool and what must be in it: values by handle.
class Model {
 public:
  explicit Model(Random& random) : random_(random) {}

  void create() {
    const std::uint64_t value = random_();
    const Handle handle = pool_->create(value);
    if (!live_.emplace(handle, value).second) complain("a handle was given twice");
    if (std::ranges::find(dead_, handle) != dead_.end()) complain("a dead handle was given again");
  }

  void destroy() {
    if (live_.empty()) return;
    const Handle handle = some();
    if (!pool_->destroy(handle)) complain("a live handle was taken for stale");
    bury(handle);
  }

  void end() {
    while (!live_.empty()) bury(live_.begin()->first);
    pool_ = std::make_unique<Pool>();
  }

  void clear() {
    while (!live_.empty()) bury(live_.begin()->first);
    pool_->clear();
  }

  /// Asks by any handle, and sometimes destroys by it when the model has no such object.
  void ask(Handle handle) {
    const auto found = live_.find(handle);
    const Tracked* const object = pool_->get(handle);
    if (found == live_.end() ? object != nullptr : object == nullptr || object->value != found->second)
      complain("a handle names what it should not: " + std::to_string(handle.to_bits()));
    if (found == live_.end() && pool_->destroy(handle)) complain("what does not live was destroyed");
  }

  /// A handle that was given once, or nearly so.
  Handle made_up() {
    const std::uint64_t bits = [&] {
      if (!dead_.empty() && random_.below(2) == 0) return dead_[random_.below(dead_.size())].to_bits();
      return live_.empty() ? std::uint64_t{0} : some().to_bits();
    }();
    switch (random_.below(6)) {
      case 0:
        return Handle::from_bits(bits);
      case 1:
        return Handle::from_bits(bits ^ std::uint64_t{1} << random_.below(64));
      case 2:
        return Handle::from_bits(bits + (std::uint64_t{random_.below(9)} << flux::detail::kIndexBits));
      case 3:
        return Handle::from_bits(bits - random_.below(2000));
      case 4:
        return Handle::from_bits(bits ^ random_.below(std::size_t{1} << flux::detail::kIndexBits));
      default:
        return Handle::from_bits(random_());
    }
  }

  void check() {
    if (pool_->size() != live_.size()) complain("the size is wrong");
    if (!pool_->is_valid()) complain("the pool is not valid");
    std::size_t seen = 0;
    pool_->for_each([&](Handle handle, Tracked& object) {
      ++seen;
      if (!live_.contains(handle) || live_[handle] != object.value)
        complain("for_each visits what is not there");
    });
    if (seen != live_.size()) complain("for_each leaves something out");
  }

  const std::map<Handle, std::uint64_t>& live() const { return live_; }
  const std::vector<Handle>& dead() const { return dead_; }
  const std::string& complaint() const { return complaint_; }

 private:
  Handle some() {
    auto found = live_.lower_bound(Handle::from_bits(random_()));
    if (found == live_.end() || random_.below(2) == 0) found = live_.begin();
    return found->first;
  }
  void bury(Handle handle) {
    live_.erase(handle);
    if (dead_.size() < 2000) dead_.push_back(handle);
  }
  void complain(const std::string& complaint) {
    if (complaint_.empty()) complaint_ = complaint;
  }

  Random& random_;
  std::unique_ptr<Pool> pool_ = std::make_unique<Pool>();
  std::map<Handle, std::uint64_t> live_;
  std::vector<Handle> dead_;
  std::string complaint_;
};

void step(Model& model, Model& other, Random& random) {
  const std::size_t choice = random.below(1000);
  const std::size_t count = random.below(random.below(20) == 0 ? 300 : 10);
  for (std::size_t i = 0; i != count; ++i) {
    if (choice < 330) model.create();
    if (choice >= 330 && choice < 650) model.destroy();
    if (choice >= 650 && choice < 800) model.ask(model.made_up());
    if (choice >= 800 && choice < 990) model.ask(other.made_up());
  }
  if (choice >= 990 && choice < 995) model.clear();
  if (choice >= 995) model.end();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(random_handles, FreshCounts)

BOOST_AUTO_TEST_CASE(pools_agree_with_a_model_whatever_is_asked_of_them) {
  BOOST_TEST_MESSAGE("seed " << seed());
  Random random(1);
  Model one(random), other(random);
  for (std::size_t i = 0; i != scaled(20'000); ++i) {
    step(one, other, random);
    step(other, one, random);
    if (i % 500 == 0) one.check(), other.check();
  }
  one.check(), other.check();
  BOOST_TEST(one.complaint() == "");
  BOOST_TEST(other.complaint() == "");
  BOOST_TEST(Tracked::damaged == 0u);
}

BOOST_AUTO_TEST_CASE(pools_agree_with_a_model_when_each_step_is_another_threads) {
  Random random(2);
  Model one(random), other(random);
  for (std::size_t i = 0; i != scaled(1'000); ++i) {
    run_thread([&] {
      for (int k = 0; k != 5; ++k) step(one, other, random), step(other, one, random);
    });
  }
  one.check(), other.check();
  BOOST_TEST(one.complaint() == "");
  BOOST_TEST(other.complaint() == "");
}

BOOST_AUTO_TEST_CASE(a_handle_with_any_bit_flipped_names_nothing) {
  Random random(3);
  Model model(random);
  for (std::size_t i = 0; i != scaled(1500); ++i) model.create();
  for (std::size_t i = 0; i != scaled(500); ++i) model.destroy();
  std::vector<Handle> handles = model.dead();
  for (const auto& [handle, value] : model.live()) handles.push_back(handle);
  for (const Handle handle : handles) {
    model.ask(handle);
    for (unsigned bit = 0; bit != 64; ++bit) {  // an index may become that of another live object
      const std::uint64_t flipped = handle.to_bits() ^ std::uint64_t{1} << bit;
      model.ask(Handle::from_bits(flipped));
      for (unsigned second = 0; second != bit; ++second)
        model.ask(Handle::from_bits(flipped ^ std::uint64_t{1} << second));
    }
  }
  BOOST_TEST(model.complaint() == "");
  model.check();
}

BOOST_AUTO_TEST_CASE(of_all_slots_and_the_first_generations_a_pool_knows_its_live_objects) {
  Random random(4);
  Model model(random);
  for (int i = 0; i != 3000; ++i) model.create();
  for (int i = 0; i != 2500; ++i) model.destroy();
  for (int i = 0; i != 300; ++i) model.create();
  std::set<std::uint32_t> blocks;
  for (const auto& [handle, value] : model.live()) {
    const std::uint32_t block = flux::detail::block_of(flux::detail::index_of(handle.to_bits()));
    blocks.insert({block, block + 1});
  }
  const std::uint64_t first = flux::detail::generation_of(model.live().begin()->first.to_bits());
  for (const std::uint32_t block : blocks) {
    for (std::uint64_t generation = first > 3 ? first - 3 : 0; generation != first + 4; ++generation) {
      for (std::uint32_t slot = 0; slot != flux::detail::kMostSlots; ++slot)
        model.ask(
            Handle::from_bits(flux::detail::slot_word(generation, block << flux::detail::kSlotBits | slot)));
    }
  }
  BOOST_TEST(model.complaint() == "");
}

BOOST_AUTO_TEST_CASE(random_bits_name_nothing) {
  Random random(5);
  Model model(random);
  for (int i = 0; i != 5000; ++i) model.create();
  for (std::size_t i = 0; i != scaled(1'000'000); ++i) {
    model.ask(Handle::from_bits(random()));
    model.ask(model.made_up());
  }
  BOOST_TEST(model.complaint() == "");
  model.check();
}

BOOST_AUTO_TEST_SUITE_END()
