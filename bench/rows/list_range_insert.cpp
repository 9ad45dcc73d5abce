// What does it cost to put a range into a list and to clear it? Over an allocator of version 2,
// boost::container::list asks for all nodes of the range at once, and frees all at once.

#include <vector>

#include "support/Lists.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

template <class List, std::size_t Count>
void list_range_insert(benchmark::State& state) {
  const std::vector<Payload> range(scaled(Count), Payload{1});
  List list;
  for (auto _ : counted(state)) {
    list.insert(list.end(), range.begin(), range.end());
    benchmark::DoNotOptimize(list);
    list.clear();
  }
  report(state, range.size());
}

BENCHMARK((list_range_insert<StdList, 1'000>))->Name("list_range_insert_1000/std");
BENCHMARK((list_range_insert<BoostList, 1'000>))->Name("list_range_insert_1000/boost");
BENCHMARK((list_range_insert<StdList, 500'000>))->Name("list_range_insert_500k/std");
BENCHMARK((list_range_insert<BoostList, 500'000>))->Name("list_range_insert_500k/boost");

}  // namespace
}  // namespace bench
