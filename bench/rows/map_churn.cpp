// What does an associative container cost in its steady state, 20,000 live: random keys out, new ones in? One
// at a time; and in bursts of 64, so that more than a handful of nodes are free at a time.

#include <boost/container/map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

using Key = std::uint64_t;
using Value = std::uint64_t;
using Pair = std::pair<const Key, Value>;
using StdMap = std::map<Key, Value, std::less<Key>, Allocator<Pair>>;
using BoostMap = boost::container::map<Key, Value, std::less<Key>, Allocator<Pair>>;
using UnorderedMap = std::unordered_map<Key, Value, std::hash<Key>, std::equal_to<Key>, Allocator<Pair>>;

/// A map and each of its keys, in no order.
template <class Map>
class ShuffledMap {
 public:
  explicit ShuffledMap(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) insert_one();
  }

  void erase_one() {
    std::swap(keys_[random_.below(keys_.size())], keys_.back());
    map_.erase(keys_.back());
    keys_.pop_back();
  }

  void insert_one() {
    keys_.push_back(random_.next());
    map_.emplace(keys_.back(), 0);
  }

 private:
  Map map_;
  std::vector<Key> keys_;
  Random random_;
};

template <class Map, std::size_t kBurst>
void map_churn(benchmark::State& state) {
  constexpr std::size_t kSteps = 1'024;
  ShuffledMap<Map> map(scaled(20'000));
  for (auto _ : counted(state)) {
    for (std::size_t done = 0; done < kSteps; done += kBurst) {
      for (std::size_t i = 0; i < kBurst; ++i) map.erase_one();
      for (std::size_t i = 0; i < kBurst; ++i) map.insert_one();
    }
    benchmark::DoNotOptimize(map);
  }
  report(state, kSteps);
}

BENCHMARK((map_churn<StdMap, 1>))->Name("map_churn");
BENCHMARK((map_churn<BoostMap, 1>))->Name("boost_map_churn");
BENCHMARK((map_churn<UnorderedMap, 1>))->Name("unordered_map_churn");
BENCHMARK((map_churn<StdMap, 64>))->Name("map_churn_burst");
BENCHMARK((map_churn<UnorderedMap, 64>))->Name("unordered_map_churn_burst");

}  // namespace
}  // namespace bench
