#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "Message.hpp"

namespace orderbook {

/// What became of the messages that a book was given. Every message counts in exactly one of `applied`,
/// `unknown`, `duplicate` and `untouched`; `excess` is a part of `applied`.
struct Tally {
  std::uint64_t applied = 0;    ///< changed the book
  std::uint64_t unknown = 0;    ///< names an order that does not rest here: skipped
  std::uint64_t duplicate = 0;  ///< new order under the id of a resting one: skipped
  std::uint64_t untouched = 0;  ///< hidden executions, cross trades, halts
  std::uint64_t excess = 0;     ///< takes more than the order has: took all of it

  friend bool operator==(const Tally&, const Tally&) = default;
};

/// An order as it rests.
struct Resting {
  Price price;
  Quantity size;
  Side side;
};

/// A limit order book, all of whose memory comes from `Alloc` (rebound as each container needs).
///
/// Each side is a map of price levels, best first; a level is the queue of its orders, first come first; an
/// index finds an order by its id. A new order thus costs two or three allocations (queue, index, and a level
/// if it is the first at its price), and gives them back when it leaves. With n the orders at rest:
///   index size = n = the sum over levels of their queue lengths
///   a level's volume = the sum of its orders' sizes, and no level is empty, no order's size 0
///   each index entry points at the level and the order that carry its id
/// `is_valid()` checks these. Ids are trusted, prices are not matched: a recording says itself what executes.
///
/// Not to be used by two threads at once. When the allocator throws inside `apply`, destroy the book.
template <class Alloc = std::allocator<std::byte>>
class OrderBook {
  template <class T>
  using Rebound = typename std::allocator_traits<Alloc>::template rebind_alloc<T>;

 public:
  struct Order {
    OrderId id;
    Quantity size;
  };

  using Orders = std::list<Order, Rebound<Order>>;

  struct Level {
    explicit Level(const Alloc& alloc) : orders(Rebound<Order>(alloc)) {}

    std::int64_t volume = 0;
    Orders orders;
  };

  /// A price as its side sees it: the lower, the better, so that a map's begin() is the best level.
  using Rank = std::int64_t;
  using Levels = std::map<Rank, Level, std::less<Rank>, Rebound<std::pair<const Rank, Level>>>;

  explicit OrderBook(const Alloc& alloc = Alloc())
      : alloc_(alloc),
        sides_{Levels(LevelAlloc(alloc)), Levels(LevelAlloc(alloc))},
        index_(IndexAlloc(alloc)) {}

  OrderBook(const OrderBook&) = delete;
  OrderBook& operator=(const OrderBook&) = delete;
  ~OrderBook() = default;

  /// Does what the message says, or counts in `tally()` why not. Requires the size of a new order to be above
  /// 0. Throws what the allocator throws.
  void apply(const Message& message) {
    switch (message.kind) {
      case Kind::kNew:
        add(message);
        return;
      case Kind::kPartialCancel:
      case Kind::kVisibleExecution:
        reduce(message);
        return;
      case Kind::kDelete:
        remove(message);
        return;
      case Kind::kHiddenExecution:
      case Kind::kCrossTrade:
      case Kind::kHalt:
        ++tally_.untouched;
        return;
    }
  }

  /// The end of a session: every resting order expires. The tally goes on.
  void close_session() noexcept {
    index_.clear();
    for (Levels& levels : sides_) levels.clear();
  }

  /// Number of orders at rest.
  std::size_t size() const noexcept { return index_.size(); }
  bool has_order(OrderId id) const { return index_.find(id) != index_.end(); }
  const Tally& tally() const noexcept { return tally_; }

  /// The levels of a side, best first.
  const Levels& levels(Side side) const noexcept { return sides_[static_cast<std::size_t>(side)]; }

  static constexpr Rank rank(Side side, Price price) noexcept { return side == Side::kBuy ? -price : price; }
  static constexpr Price price(Side side, Rank rank) noexcept { return side == Side::kBuy ? -rank : rank; }

  /// Requires a level on that side.
  Price best_price(Side side) const noexcept { return price(side, levels(side).begin()->first); }
  /// The order that is executed next. Requires a level on that side.
  const Order& best_order(Side side) const noexcept { return levels(side).begin()->second.orders.front(); }

  /// A resting order, or nothing when there is none of that id.
  std::optional<Resting> find(OrderId id) const {
    const auto entry = index_.find(id);
    if (entry == index_.end()) return std::nullopt;
    const Place& place = entry->second;
    return Resting{price(place.side, place.level->first), place.order->size, place.side};
  }

  /// Shares at a price.
  std::int64_t volume_at(Side side, Price price) const {
    const auto level = levels(side).find(rank(side, price));
    return level == levels(side).end() ? 0 : level->second.volume;
  }

  /// Checks the equations above. For tests: visits everything.
  bool is_valid() const {
    std::size_t orders = 0;
    for (const Side side : {Side::kBuy, Side::kSell})
      for (auto level = levels(side).begin(); level != levels(side).end(); ++level) {
        if (!is_valid_level(side, level)) return false;
        orders += level->second.orders.size();
      }
    return orders == index_.size();
  }

  /// A number that depends on every order, its place in its queue, every level and the tally; the same for
  /// books of different allocators.
  std::uint64_t digest() const noexcept {
    std::uint64_t hash = 0;
    for (const Side side : {Side::kBuy, Side::kSell})
      for (const auto& [rank, level] : levels(side)) {
        hash = mixed(mixed(hash, static_cast<std::uint64_t>(rank)), static_cast<std::uint64_t>(level.volume));
        for (const Order& order : level.orders) hash = mixed(mixed(hash, order.id), order.size);
      }
    for (const std::uint64_t count :
         {tally_.applied, tally_.unknown, tally_.duplicate, tally_.untouched, tally_.excess})
      hash = mixed(hash, count);
    return hash;
  }

 private:
  using LevelAlloc = typename Levels::allocator_type;

  /// Where an order rests.
  struct Place {
    typename Levels::iterator level;
    typename Orders::iterator order;
    Side side;
  };

  using IndexAlloc = Rebound<std::pair<const OrderId, Place>>;
  using Index = std::unordered_map<OrderId, Place, std::hash<OrderId>, std::equal_to<OrderId>, IndexAlloc>;

  void add(const Message& message) {
    const auto [entry, is_new] = index_.try_emplace(message.id);
    if (!is_new) {
      ++tally_.duplicate;
      return;
    }
    const auto level = side(message.side).try_emplace(rank(message.side, message.price), alloc_).first;
    level->second.orders.push_back({message.id, message.size});
    level->second.volume += message.size;
    entry->second = {level, std::prev(level->second.orders.end()), message.side};
    ++tally_.applied;
  }

  void reduce(const Message& message) {
    const auto entry = index_.find(message.id);
    if (entry == index_.end()) {
      ++tally_.unknown;
      return;
    }
    ++tally_.applied;
    Order& order = *entry->second.order;
    if (message.size >= order.size) {
      tally_.excess += message.size > order.size;
      take_out(entry);
      return;
    }
    order.size -= message.size;
    entry->second.level->second.volume -= message.size;
  }

  void remove(const Message& message) {
    const auto entry = index_.find(message.id);
    if (entry == index_.end()) {
      ++tally_.unknown;
      return;
    }
    ++tally_.applied;
    take_out(entry);
  }

  void take_out(typename Index::iterator entry) {
    const Place place = entry->second;
    Level& level = place.level->second;
    level.volume -= place.order->size;
    level.orders.erase(place.order);
    if (level.orders.empty()) side(place.side).erase(place.level);
    index_.erase(entry);
  }

  bool is_valid_level(Side side, typename Levels::const_iterator level) const {
    std::int64_t volume = 0;
    for (auto order = level->second.orders.begin(); order != level->second.orders.end(); ++order) {
      const auto entry = index_.find(order->id);
      if (entry == index_.end()) return false;
      const Place& place = entry->second;
      if (place.side != side || place.level != level || place.order != order || order->size == 0)
        return false;
      volume += order->size;
    }
    return volume == level->second.volume && !level->second.orders.empty();
  }

  static std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) noexcept {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15U;  // 2^64 over the golden ratio: odd, and no bit pattern
    return hash ^ hash >> 32U;
  }

  Levels& side(Side side) noexcept { return sides_[static_cast<std::size_t>(side)]; }

  [[no_unique_address]] Alloc alloc_;
  std::array<Levels, 2> sides_;
  Index index_;
  Tally tally_;
};

/// The first difference between one side of two books, in words, or nothing.
template <class A, class B>
std::string first_difference(const OrderBook<A>& a, const OrderBook<B>& b, Side side) {
  const std::string name = side == Side::kBuy ? "buy" : "sell";
  auto level_b = b.levels(side).begin();
  for (const auto& [rank, level] : a.levels(side)) {
    const std::string where = name + " level " + std::to_string(OrderBook<A>::price(side, rank));
    if (level_b == b.levels(side).end() || level_b->first != rank) return where + " is in one book only";
    if (level_b->second.volume != level.volume) return where + ": the volumes differ";
    if (level_b->second.orders.size() != level.orders.size()) return where + ": the queue lengths differ";
    auto order_b = level_b->second.orders.begin();
    for (const auto& order : level.orders) {
      if (order_b->id != order.id || order_b->size != order.size)
        return where + ": order " + std::to_string(order.id) + " differs";
      ++order_b;
    }
    ++level_b;
  }
  return level_b == b.levels(side).end() ? "" : "a " + name + " level is in one book only";
}

/// Compares two books of any allocators order by order. Returns the first difference in words, or nothing
/// when they are the same.
template <class A, class B>
std::string first_difference(const OrderBook<A>& a, const OrderBook<B>& b) {
  if (a.size() != b.size())
    return "orders at rest: " + std::to_string(a.size()) + " and " + std::to_string(b.size());
  for (const Side side : {Side::kBuy, Side::kSell})
    if (std::string difference = first_difference(a, b, side); !difference.empty()) return difference;
  return a.tally() == b.tally() ? "" : "the tallies of messages differ";
}

}  // namespace orderbook
