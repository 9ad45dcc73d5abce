// A program of nodes, 1: a cache of the least recently used. 50,000 entries in a list by use and in an index by key;
// of the requests two thirds ask for one of the 50,000 most popular of 500,000 keys. A miss drops the entry used
// longest ago and makes a new one, with a text of up to 60 characters. Time per request.

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) { index_.reserve(capacity); }

  /// The length of the entry's text.
  std::size_t request(std::uint64_t key) {
    const auto found = index_.find(key);
    if (found != index_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->text.size();
    }
    if (entries_.size() == capacity_) {
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.emplace_front(key);
    index_.emplace(key, entries_.begin());
    return entries_.front().text.size();
  }

 private:
  struct Entry {
    explicit Entry(std::uint64_t of_key) : key(of_key), text(of_key % 61, 'x') {}

    std::uint64_t key;
    std::basic_string<char, std::char_traits<char>, Allocator<char>> text;
  };
  using Entries = std::list<Entry, Allocator<Entry>>;
  using Index = std::unordered_map<std::uint64_t, Entries::iterator, std::hash<std::uint64_t>,
                                   std::equal_to<std::uint64_t>,
                                   Allocator<std::pair<const std::uint64_t, Entries::iterator>>>;

  std::size_t capacity_;
  Entries entries_;
  Index index_;
};

void lru_cache(benchmark::State& state) {
  constexpr std::size_t kRequests = 20'000;
  const std::size_t popular = scaled(50'000);
  LruCache cache(popular);
  Random random;
  const auto request = [&] {
    return cache.request(random.below(3) != 0 ? random.below(popular) : random.below(10 * popular));
  };
  for (std::size_t i = 0; i < 6 * popular; ++i) benchmark::DoNotOptimize(request());  // full, and as it stays
  for (auto _ : counted(state)) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < kRequests; ++i) sum += request();
    benchmark::DoNotOptimize(sum);
  }
  report(state, kRequests);
}

BENCHMARK(lru_cache);

}  // namespace
}  // namespace bench
