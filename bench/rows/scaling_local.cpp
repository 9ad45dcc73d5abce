// Do more threads get more done, each with lists of its own? Wall time per insert and erase of one thread: with
// enough cores it stays what it is for one.

#include "support/Lists.hpp"
#include "support/Row.hpp"
#include "support/ThreadCounts.hpp"

namespace bench {
namespace {

void scaling_local(benchmark::State& state) {
  constexpr std::size_t kLive = 1'000;
  StdList list;
  for (auto _ : counted(state)) {
    fill(list, kLive);
    benchmark::DoNotOptimize(list);
    drain(list);
    benchmark::DoNotOptimize(list);
  }
  report(state, kLive);
}

const bool added = add_rows_of_threads("scaling_local", scaling_local);

}  // namespace
}  // namespace bench
