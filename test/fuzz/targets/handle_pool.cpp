// Pools against a model: of all 64-bit patterns a pool knows those of its live objects, and no others.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <flux/HandlePool.hpp>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"
#include "support/Threads.hpp"

namespace flux::test::fuzz {

namespace pools_of_handles {
namespace {

struct Refused {};

/// Knows whether it is whole, how many there are, and refuses to be made when told to.
template <std::size_t Padding, std::size_t Alignment>
class alignas(Alignment) Item {
 public:
  Item(std::uint64_t value, bool is_refused) : value_(value), check_(~value) {
    if (is_refused) throw Refused{};
    ++alive;
  }
  Item(const Item&) = delete;
  Item& operator=(const Item&) = delete;
  ~Item() {
    damaged += check_ != ~value_ ? 1u : 0u;
    check_ = value_;
    --alive;
  }

  std::uint64_t value() const { return value_; }
  bool is_intact() const {
    return check_ == ~value_ && reinterpret_cast<std::uintptr_t>(this) % Alignment == 0;
  }

  static inline std::size_t alive = 0;
  static inline std::size_t damaged = 0;

 private:
  std::uint64_t value_;
  std::uint64_t check_;
  [[maybe_unused]] std::array<std::byte, Padding> padding_{};
};

template <class T>
class Model {
 public:
  explicit Model(Input& input) : input_(input) {}

  void step(const Model& other) {
    switch (input_.below(13)) {
      case 0:
      case 1:
        return create(input_.count(kMostLive));
      case 2:
        return create_none();
      case 3:
      case 4:
        return destroy(input_.count(kMostLive));
      case 5:
      case 6:
        return ask(made_up(*this));
      case 7:
        return ask(made_up(other));
      case 8:
        return ask_around();
      case 9:
        return visit_and_destroy();
      case 10:
        return end(input_.below(4));
      case 11:
        return change_elsewhere();
      default:
        return check();
    }
  }

  void finish() {
    check();
    pool_.reset();
    live_.clear();
  }

 private:
  using Pool = HandlePool<T>;
  using Name = Handle<T>;

  static constexpr std::size_t kMostLive = 3000;
  static constexpr unsigned kMostThreads = 3;

  void create(std::size_t count) {
    for (; count != 0 && live_.size() < kMostLive; --count) {
      const Name handle = pool_->create(++values_, false);
      enter(handle, values_);
    }
  }

  void enter(Name handle, std::uint64_t value) {
    expect(static_cast<bool>(handle), "a live object has the handle of none");
    expect(live_.emplace(handle, value).second, "a handle was given twice");
    expect(!dead_.contains(handle), "a dead handle was given again");
    order_.push_back(handle);
  }

  /// Another thread destroys some that live, and creates some.
  void change_elsewhere() {
    if (threads_ == kMostThreads || live_.size() > kMostLive) return;
    ++threads_;
    std::size_t destroyed = 0;
    std::vector<Name> meant;
    std::vector<Name> created(input_.count(kMostLive));
    for (std::size_t left = std::min(input_.count(kMostLive), live_.size()); left != 0; --left) {
      meant.push_back(live_.begin()->first);
      bury(meant.back());
    }
    const std::uint64_t first = values_ + 1;
    values_ += created.size();
    run_thread([&] {
      for (const Name handle : meant) destroyed += pool_->destroy(handle) ? 1u : 0u;
      for (std::size_t i = 0; i != created.size(); ++i) created[i] = pool_->create(first + i, false);
    });
    expect(destroyed == meant.size(), "a live handle was taken for stale");
    for (std::size_t i = 0; i != created.size(); ++i) enter(created[i], first + i);
  }

  void create_none() {
    bool is_thrown = false;
    try {
      static_cast<void>(pool_->create(std::uint64_t{0}, true));
    } catch (const Refused&) {
      is_thrown = true;
    }
    expect(is_thrown && pool_->size() == live_.size(), "an object came to be whose constructor threw");
  }

  void bury(Name handle) {
    live_.erase(handle);
    if (dead_.size() == 2 * kMostLive) dead_.erase(dead_.begin());
    dead_.insert(handle);
    last_dead_ = handle;
  }

  void destroy(std::size_t count) {
    const std::size_t order = input_.below(3);
    for (std::size_t n = input_.below(65'536); count != 0 && !order_.empty(); --count) {
      n = order == 0 ? order_.size() - 1 : order == 1 ? n : n * 31 + 7;
      std::swap(order_[n % order_.size()], order_.back());
      const Name handle = order_.back();
      order_.pop_back();
      if (!live_.contains(handle)) continue;
      expect(pool_->destroy(handle), "a live handle was taken for stale");
      bury(handle);
      expect(pool_->get(handle) == nullptr && !pool_->destroy(handle), "an object lives after its end");
    }
  }

  /// Any bits: of the input, or nearly those of a handle that is or was.
  Name made_up(const Model& of) {
    std::uint64_t bits = 0;
    const std::size_t what = input_.below(4);
    if (what == 1 && !of.live_.empty())
      bits = of.order_.empty() ? 0 : of.order_[input_.below(of.order_.size())].to_bits();
    if (what == 2) bits = of.last_dead_.to_bits();
    if (what == 3 && !of.dead_.empty()) bits = of.dead_.begin()->to_bits();
    switch (input_.below(6)) {
      case 0:
        return Name::from_bits(bits);
      case 1:
        return Name::from_bits(bits ^ std::uint64_t{1} << input_.below(64));
      case 2:
        return Name::from_bits(bits + (input_.number(5) << detail::kIndexBits));
      case 3:
        return Name::from_bits(bits - input_.number(2));
      case 4:
        return Name::from_bits(bits ^ (input_.number(4) & (detail::kOneGeneration - 1)));
      default:
        return Name::from_bits(input_.number(8));
    }
  }

  void ask(Name handle) {
    const auto found = live_.find(handle);
    const T* const object = pool_->get(handle);
    expect(pool_->contains(handle) == (object != nullptr), "a pool contains what it does not find");
    if (found == live_.end()) {
      expect(object == nullptr, "a handle names what it should not");
      expect(!pool_->destroy(handle), "what does not live was destroyed");
    } else {
      expect(object != nullptr, "a live handle names nothing");
      expect(object->value() == found->second && object->is_intact(), "a handle names another object");
    }
  }

  /// Every slot near a handle's, in the generations near its own.
  void ask_around() {
    const std::uint64_t bits = made_up(*this).to_bits();
    for (std::uint64_t generation = 0; generation != 3; ++generation)
      for (std::uint64_t slot = 0; slot != 32; ++slot)
        ask(Name::from_bits(bits + (generation - 1) * detail::kOneGeneration + slot));
  }

  void visit_and_destroy() {
    std::size_t left = input_.count(kMostLive);
    std::size_t seen = 0;
    const std::size_t before = live_.size();
    pool_->for_each([&](Name handle, T& object) {
      ++seen;
      const auto found = live_.find(handle);
      expect(found != live_.end() && found->second == object.value(), "for_each visits what is not there");
      if (left == 0) return;
      --left;
      expect(pool_->destroy(handle), "a live handle was taken for stale");
      bury(handle);
    });
    expect(seen == before, "for_each leaves something out");
  }

  void end(std::size_t how) {
    while (!live_.empty()) bury(live_.begin()->first);
    order_.clear();
    if (how == 0) {
      pool_ = std::make_unique<Pool>();
    } else {
      pool_->clear();
    }
    expect(pool_->empty(), "a cleared pool is not empty");
  }

  void check() {
    expect(pool_->is_valid(), "a pool is not valid");
    expect(pool_->size() == live_.size(), "a pool has another size than its model");
    std::size_t seen = 0;
    std::as_const(*pool_).for_each([&](Name handle, const T& object) {
      ++seen;
      const auto found = live_.find(handle);
      expect(found != live_.end() && found->second == object.value(), "for_each visits what is not there");
      expect(object.is_intact(), "an object was overwritten");
    });
    expect(seen == live_.size(), "for_each leaves something out");
    for (const Name handle : dead_) expect(!pool_->contains(handle), "a dead handle names something");
  }

  Input& input_;
  std::unique_ptr<Pool> pool_ = std::make_unique<Pool>();
  std::map<Name, std::uint64_t> live_;
  std::vector<Name> order_;  ///< of creation; not all of them live
  std::set<Name> dead_;
  Name last_dead_;
  std::uint64_t values_ = 0;
  unsigned threads_ = 0;
};

template <class T>
void run(Input& input) {
  constexpr unsigned kMostSteps = 200;
  T::alive = T::damaged = 0;
  {
    Model<T> one(input), other(input);
    for (unsigned i = 0; i != kMostSteps && !input.is_over(); ++i) {
      if (input.below(4) != 0) {
        one.step(other);
      } else {
        other.step(one);
      }
    }
    one.finish(), other.finish();
  }
  expect(T::alive == 0, "a pool is gone, but not its objects");
  expect(T::damaged == 0, "an object was destroyed that was not whole");
}

}  // namespace
}  // namespace pools_of_handles

void fuzz_handle_pool(Data data) {
  using namespace pools_of_handles;
  Input input(data);
  switch (input.below(3)) {
    case 0:
      return run<Item<0, 8>>(input);
    case 1:
      return run<Item<1000, 64>>(input);
    default:
      return run<Item<20'000, 8>>(input);
  }
}

}  // namespace flux::test::fuzz
