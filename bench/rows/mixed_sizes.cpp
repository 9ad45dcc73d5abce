// What does it cost when many sizes are in use at once? Eight lists with nodes of 32 to 256 bytes, 20,000
// nodes in all; each step replaces a random node in every one of them.

#include <tuple>
#include <vector>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

template <std::size_t kNodeBytes>
class ChurnedList {
 public:
  explicit ChurnedList(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) places_.push_back(list_.emplace(list_.end()));
  }

  void replace_one(Random& random) {
    auto& place = places_[random.below(places_.size())];
    list_.erase(place);
    place = list_.emplace(list_.end());
  }

 private:
  struct Bytes {
    long first;
    char rest[kNodeBytes - 2 * sizeof(void*) - sizeof(long)];
    Bytes() : first(0) {}  // leaves `rest` alone: filling it is not the allocator's work
  };

  StdListOf<Bytes> list_;
  std::vector<typename StdListOf<Bytes>::iterator> places_;
};

void mixed_sizes(benchmark::State& state) {
  constexpr std::size_t kSteps = 100;
  const std::size_t n = scaled(2'500);
  std::tuple<ChurnedList<32>, ChurnedList<40>, ChurnedList<64>, ChurnedList<96>, ChurnedList<128>,
             ChurnedList<160>, ChurnedList<208>, ChurnedList<256>>
      lists{n, n, n, n, n, n, n, n};
  Random random;
  for (auto _ : counted(state)) {
    for (std::size_t i = 0; i < kSteps; ++i) {
      std::apply([&](auto&... list) { (list.replace_one(random), ...); }, lists);
    }
    benchmark::DoNotOptimize(lists);
  }
  report(state, kSteps * std::tuple_size_v<decltype(lists)>);
}

BENCHMARK(mixed_sizes);

}  // namespace
}  // namespace bench
