// What is the best that `walk_refilled` could be, on this machine and with any allocator that moves no
// object? Nodes in one array: a random 10 % of them, in order, and then all the others in order, linked by
// hand. The survivors lie scattered, so every page is walked twice. `when_fresh_ns` is the same array walked
// from end to end.

#include <sys/mman.h>

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "support/Row.hpp"

namespace bench {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr int kWalks = 6;

struct Node {
  Node* next = nullptr;
  Node* previous = nullptr;
  long value = 1;
  long more[2] = {};
};

long sum_of(const Node* node) {
  long sum = 0;
  for (; node != nullptr; node = node->next) sum += node->value;
  return sum;
}

/// `n` nodes, linked in the order of their addresses, on huge pages.
class Nodes {
 public:
  explicit Nodes(std::size_t n) : n_(n), nodes_(static_cast<Node*>(::operator new(bytes(), kAlignment))) {
    ::madvise(nodes_, bytes(), MADV_HUGEPAGE);
    std::uninitialized_value_construct_n(nodes_, n_);
    for (std::size_t i = 1; i < n_; ++i) nodes_[i - 1].next = &nodes_[i];
  }
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;
  ~Nodes() { ::operator delete(nodes_, kAlignment); }

  /// Relinks: a random tenth first.
  Node* scatter() {
    Random random;
    std::vector<Node*> order;
    std::vector<Node*> refilled;
    for (std::size_t i = 0; i < n_; ++i) (random.below(10) == 0 ? order : refilled).push_back(&nodes_[i]);
    order.insert(order.end(), refilled.begin(), refilled.end());
    for (std::size_t i = 1; i < n_; ++i) order[i - 1]->next = order[i];
    order.back()->next = nullptr;
    return order.front();
  }

  Node* first() { return nodes_; }

 private:
  static constexpr std::align_val_t kAlignment{kHugePage};

  std::size_t bytes() const { return (n_ * sizeof(Node) + kHugePage - 1) / kHugePage * kHugePage; }

  std::size_t n_;
  Node* nodes_;
};

void walk_refilled_bound(benchmark::State& state) {
  const std::size_t n = scaled(500'000);
  Nodes nodes(n);
  benchmark::DoNotOptimize(sum_of(nodes.first()));
  const Stopwatch watch;
  for (int i = 0; i < kWalks; ++i) benchmark::DoNotOptimize(sum_of(nodes.first()));
  state.counters["when_fresh_ns"] = watch.seconds() * 1e9 / static_cast<double>(n) / kWalks;
  const Node* const first = nodes.scatter();
  benchmark::DoNotOptimize(sum_of(first));
  for (auto _ : counted(state)) benchmark::DoNotOptimize(sum_of(first));
  report(state, n);
}

BENCHMARK(walk_refilled_bound)->Iterations(kWalks)->Repetitions(1);

}  // namespace
}  // namespace bench
