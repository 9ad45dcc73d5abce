#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "Message.hpp"
#include "OrderBook.hpp"

namespace orderbook {

/// What an order flow is made of: the figures that decide what it asks of an allocator. Shares are fractions
/// of one; a life is the number of messages from an order's arrival to its end, known for orders that ended.
struct FlowMix {
  // of all messages
  double new_share = 0;
  double cancel_share = 0;
  double delete_share = 0;
  double execution_share = 0;
  double hidden_share = 0;

  // of the new orders: where they are placed, in cents behind the best price of their own side
  double better_share = 0;  ///< improve on it
  double at_best_share = 0;
  double within_5_share = 0;    ///< 1 to 5 behind
  double within_20_share = 0;   ///< 6 to 20
  double within_100_share = 0;  ///< 21 to 100
  double beyond_share = 0;      ///< further away

  // of the new orders
  double new_level_share = 0;  ///< first at their price
  double hundred_share = 0;    ///< of exactly 100 shares
  double round_lot_share = 0;  ///< of a multiple of 100 shares

  double full_execution_share = 0;  ///< of the executions: end their order

  double life_median = 0;
  double life_p90 = 0;
  double life_p99 = 0;

  // means over all messages
  double resting_orders = 0;
  double levels = 0;         ///< both sides
  double spread_median = 0;  ///< cents between the best prices
};

/// Replays a flow and counts. Messages about unknown orders count in the shares of all messages only.
class FlowMeter {
 public:
  static FlowMix measure(std::span<const Message> messages) {
    FlowMeter meter;
    for (const Message& message : messages) meter.take(message);
    return meter.mix();
  }

 private:
  static constexpr Price kCent = 100;

  void take(const Message& message) {
    ++kinds_[static_cast<std::size_t>(message.kind)];
    if (message.kind == Kind::kNew) take_new(message);
    const bool was_known = book_.has_order(message.id);
    book_.apply(message);
    ++count_;
    if (message.kind == Kind::kNew)
      born_[message.id] = count_;
    else if (was_known)
      take_change(message);
    const std::size_t bids = book_.levels(Side::kBuy).size();
    const std::size_t asks = book_.levels(Side::kSell).size();
    resting_sum_ += book_.size();
    levels_sum_ += bids + asks;
    if (bids != 0 && asks != 0)
      spreads_.push_back((book_.best_price(Side::kSell) - book_.best_price(Side::kBuy)) / kCent);
  }

  void take_new(const Message& message) {
    new_levels_ += book_.volume_at(message.side, message.price) == 0;
    hundreds_ += message.size == 100;
    round_lots_ += message.size % 100 == 0;
    if (book_.levels(message.side).empty()) return;
    const Price best = book_.best_price(message.side);
    const Price behind = (message.side == Side::kBuy ? best - message.price : message.price - best) / kCent;
    const std::size_t bucket = behind < 0      ? 0
                               : behind == 0   ? 1
                               : behind <= 5   ? 2
                               : behind <= 20  ? 3
                               : behind <= 100 ? 4
                                               : 5;
    ++placed_[bucket];
  }

  void take_change(const Message& message) {
    const bool has_ended = !book_.has_order(message.id);
    if (message.kind == Kind::kVisibleExecution) {
      ++executions_;
      full_executions_ += has_ended;
    }
    if (!has_ended) return;
    lives_.push_back(static_cast<std::int64_t>(count_ - born_[message.id]));
    born_.erase(message.id);
  }

  FlowMix mix() {
    const auto kind_share = [&](Kind kind) { return share(kinds_[static_cast<std::size_t>(kind)], count_); };
    const std::size_t news = kinds_[static_cast<std::size_t>(Kind::kNew)];
    FlowMix mix;
    mix.new_share = kind_share(Kind::kNew);
    mix.cancel_share = kind_share(Kind::kPartialCancel);
    mix.delete_share = kind_share(Kind::kDelete);
    mix.execution_share = kind_share(Kind::kVisibleExecution);
    mix.hidden_share = kind_share(Kind::kHiddenExecution);
    mix.better_share = share(placed_[0], news);
    mix.at_best_share = share(placed_[1], news);
    mix.within_5_share = share(placed_[2], news);
    mix.within_20_share = share(placed_[3], news);
    mix.within_100_share = share(placed_[4], news);
    mix.beyond_share = share(placed_[5], news);
    mix.new_level_share = share(new_levels_, news);
    mix.hundred_share = share(hundreds_, news);
    mix.round_lot_share = share(round_lots_, news);
    mix.full_execution_share = share(full_executions_, executions_);
    mix.life_median = quantile(lives_, 50);
    mix.life_p90 = quantile(lives_, 90);
    mix.life_p99 = quantile(lives_, 99);
    mix.resting_orders = share(resting_sum_, count_);
    mix.levels = share(levels_sum_, count_);
    mix.spread_median = quantile(spreads_, 50);
    return mix;
  }

  static double share(std::size_t part, std::size_t whole) noexcept {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  }

  static double quantile(std::vector<std::int64_t>& values, std::size_t percent) {
    if (values.empty()) return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(values.size() * percent / 100);
    std::nth_element(values.begin(), at, values.end());
    return static_cast<double>(*at);
  }

  OrderBook<> book_;
  std::unordered_map<OrderId, std::size_t> born_;  ///< the message's number, from 1
  std::vector<std::int64_t> lives_;
  std::vector<std::int64_t> spreads_;
  std::array<std::size_t, 8> kinds_{};   ///< by the value of Kind
  std::array<std::size_t, 6> placed_{};  ///< as FlowMix lists the places
  std::size_t count_ = 0;
  std::size_t new_levels_ = 0;
  std::size_t hundreds_ = 0;
  std::size_t round_lots_ = 0;
  std::size_t executions_ = 0;
  std::size_t full_executions_ = 0;
  std::size_t resting_sum_ = 0;
  std::size_t levels_sum_ = 0;
};

}  // namespace orderbook
