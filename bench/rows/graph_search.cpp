// A program of nodes, 2: shortest paths after Dijkstra (A note on two problems in connexion with graphs, 1959) over a
// grid of 300 by 300 fields, whose frontier is a multiset of fields by distance, and what is known a map from field
// to distance. Time per field.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

using Field = std::uint32_t;
using Distance = std::uint32_t;

class Grid {
 public:
  explicit Grid(std::uint32_t side) : side_(side) {}

  std::uint32_t fields() const { return side_ * side_; }

  /// Calls `visit(neighbour, cost)` for up to four of them.
  template <class Visit>
  void for_each_neighbour(Field field, Visit visit) const {
    const std::uint32_t x = field % side_;
    const std::uint32_t y = field / side_;
    if (x > 0) visit(field - 1, cost(field, 0));
    if (x + 1 < side_) visit(field + 1, cost(field, 1));
    if (y > 0) visit(field - side_, cost(field, 2));
    if (y + 1 < side_) visit(field + side_, cost(field, 3));
  }

 private:
  /// From 1 to 100, as good as random.
  static Distance cost(Field field, std::uint32_t direction) {
    return 1 + ((field * 4 + direction) * 0x9E3779B1u >> 16) % 100;
  }

  std::uint32_t side_;
};

std::size_t search(const Grid& grid) {
  using Step = std::pair<Distance, Field>;
  std::multiset<Step, std::less<Step>, Allocator<Step>> frontier{{0, 0}};
  std::map<Field, Distance, std::less<Field>, Allocator<std::pair<const Field, Distance>>> known;
  while (!frontier.empty()) {
    const auto [distance, field] = *frontier.begin();
    frontier.erase(frontier.begin());
    if (!known.emplace(field, distance).second) continue;
    grid.for_each_neighbour(field, [&, so_far = distance](Field neighbour, Distance cost) {
      if (!known.contains(neighbour)) frontier.emplace(so_far + cost, neighbour);
    });
  }
  return known.size();
}

void graph_search(benchmark::State& state) {
  const Grid grid(static_cast<std::uint32_t>(scaled(30'000) / 100));
  for (auto _ : counted(state)) {
    if (search(grid) != grid.fields()) state.SkipWithError("a field was not reached");
  }
  report(state, grid.fields());
}

BENCHMARK(graph_search);

}  // namespace
}  // namespace bench
