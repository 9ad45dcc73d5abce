// What does a list cost that is erased from and inserted into at random, with 20,000 live? One out and one in
// at a time; and in bursts of 64 out, 64 in, so that more than a handful of nodes are free at a time.

#include <algorithm>
#include <vector>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

/// A list and an iterator to each of its nodes, in no order.
template <class List>
class ShuffledList {
 public:
  explicit ShuffledList(std::size_t n) {
    fill(list_, n);
    for (auto it = list_.begin(); it != list_.end(); ++it) places_.push_back(it);
  }

  void erase_one() {
    std::swap(places_[random_.below(places_.size())], places_.back());
    list_.erase(places_.back());
    places_.pop_back();
  }

  void insert_one() { places_.push_back(list_.emplace(places_[random_.below(places_.size())], 1)); }

 private:
  List list_;
  std::vector<typename List::iterator> places_;
  Random random_;
};

template <class List, std::size_t kBurst>
void list_random(benchmark::State& state) {
  constexpr std::size_t kSteps = 1'024;
  ShuffledList<List> list(scaled(20'000));
  for (auto _ : counted(state)) {
    for (std::size_t done = 0; done < kSteps; done += kBurst) {
      for (std::size_t i = 0; i < kBurst; ++i) list.erase_one();
      for (std::size_t i = 0; i < kBurst; ++i) list.insert_one();
    }
    benchmark::DoNotOptimize(list);
  }
  report(state, kSteps);
}

BENCHMARK((list_random<StdList, 1>))->Name("list_random_20k/std");
BENCHMARK((list_random<BoostList, 1>))->Name("list_random_20k/boost");
BENCHMARK((list_random<StdList, 64>))->Name("list_random_20k_burst/std");
BENCHMARK((list_random<BoostList, 64>))->Name("list_random_20k_burst/boost");

}  // namespace
}  // namespace bench
