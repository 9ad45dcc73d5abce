// A limit order book.
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>
#include <flux/Statistics.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <unordered_map>
#include <utility>

using Id = std::uint64_t;
using Price = std::int64_t;

struct Order {
  Id id;
  int quantity;
};

struct Books;  // a tag: the nodes of books lie in slabs of their own

template <class T>
using Alloc = flux::Allocator<T, Books>;

using Queue = std::list<Order, Alloc<Order>>;  // of one price, first come first served
using Levels = std::map<Price, Queue, std::less<Price>, Alloc<std::pair<const Price, Queue>>>;

struct Place {
  Levels::iterator level;
  Queue::iterator order;
};

using Index = std::unordered_map<Id, Place, std::hash<Id>, std::equal_to<Id>, Alloc<std::pair<const Id, Place>>>;

class Side {
 public:
  explicit Side(std::size_t orders) { index_.reserve(orders); }

  void add(Id id, Price price, int quantity) {
    const auto level = levels_.try_emplace(price).first;
    level->second.push_back({id, quantity});
    index_[id] = {level, std::prev(level->second.end())};
  }

  bool cancel(Id id) {
    const auto entry = index_.find(id);
    if (entry == index_.end()) return false;
    const Place place = entry->second;
    place.level->second.erase(place.order);
    if (place.level->second.empty()) levels_.erase(place.level);
    index_.erase(entry);
    return true;
  }

  bool empty() const { return index_.empty() && levels_.empty(); }

 private:
  Levels levels_;
  Index index_;
};

namespace {

/// Whether the objects of the domain that live are nodes of these sizes: what the comments below say.
bool has_nodes(std::size_t of_orders, std::size_t of_levels) {
  for (const flux::DomainStatistics& domain : flux::stats().domains) {
    for (const flux::ClassStatistics& objects : domain.classes)
      if (objects.live != (objects.object_size == 32 ? of_orders : objects.object_size == 64 ? of_levels : 0)) return false;
  }
  return true;
}

}  // namespace

int main() {
  constexpr std::size_t kOrders = 100'000;
  constexpr std::size_t kLevels = 1'000;
  flux::reserve<Books>(32, 2 * kOrders);  // for each order a node of its queue and one of the index, of 32 bytes both
  flux::reserve<Books>(64, kLevels);      // and for each price level a node of 64

  Side bids(kOrders);
  bids.add(1, 10'050, 5);
  bids.add(2, 10'050, 7);
  bids.add(3, 10'049, 2);
  const bool is_as_said = has_nodes(6, 2);
  const bool is_cancelled = bids.cancel(2) && !bids.cancel(2) && bids.cancel(1) && bids.cancel(3);
  return is_as_said && is_cancelled && bids.empty() ? 0 : 1;
}
