#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "FlowMix.hpp"
#include "Message.hpp"
#include "OrderBook.hpp"

namespace orderbook {

/// The mix that FlowGenerator follows: measured with FlowMeter on LOBSTER's free sample AAPL, NASDAQ,
/// 2012-06-21, 09:30 to 10:30 (91,997 messages, book empty at the start).
inline constexpr FlowMix kSampleMix{
    .new_share = 0.481,
    .cancel_share = 0.005,
    .delete_share = 0.446,
    .execution_share = 0.044,
    .hidden_share = 0.024,
    .better_share = 0.202,
    .at_best_share = 0.079,
    .within_5_share = 0.165,
    .within_20_share = 0.275,
    .within_100_share = 0.211,
    .beyond_share = 0.067,
    .new_level_share = 0.669,
    .hundred_share = 0.528,
    .round_lot_share = 0.639,
    .full_execution_share = 0.726,
    .life_median = 19,
    .life_p90 = 265,
    .life_p99 = 3974,
    .resting_orders = 314,
    .levels = 186,
    .spread_median = 19,
};

/// Makes an order flow like that of the sample: a session that begins with an empty book.
///
/// Each new order gets a place relative to the best price of its side and, depending on that place, a life;
/// when the life is over it is deleted, unless it was executed before. In between come new orders, executions
/// of the order at the front of the best level, halvings of a resting order, and hidden executions. The
/// tables below are the sample's histograms. What comes of it matches kSampleMix: the kinds within 0.01 of
/// all messages, the other shares within 0.03, lives, resting orders and levels within a quarter, the spread
/// within a third (100,000 messages; a test holds it to that). The flow depends on the seed alone: the engine
/// is one that the standard defines to the bit, and all arithmetic is on integers.
class FlowGenerator {
 public:
  explicit FlowGenerator(std::uint64_t seed) : random_(seed) {}

  /// The first `count` messages of a session. To be called once. Throws std::bad_alloc only.
  std::vector<Message> generate(std::size_t count) {
    std::vector<Message> messages;
    messages.reserve(count);
    while (messages.size() < count) {
      const Message message = next(messages.size());
      book_.apply(message);
      messages.push_back(message);
    }
    return messages;
  }

 private:
  /// Values from `low` to `high`, all alike, drawn with `weight` in proportion to the table's sum.
  struct Bucket {
    std::int64_t low;
    std::int64_t high;
    std::uint32_t weight;
  };

  static constexpr Price kCent = 100;
  static constexpr Price kFirstPrice = 5'850'000;
  static constexpr Price kUsualSpread = 19 * kCent;

  /// Kinds of what is not a deletion, in 1/10000.
  static constexpr std::array<Bucket, 4> kKinds{{{1, 1, 8680}, {4, 4, 797}, {5, 5, 431}, {2, 2, 108}}};

  /// Cents behind the best price of the own side; in 1/10000. Better ones have 1.15 times the sample's
  /// weight, since those for which the spread has no room are drawn anew.
  static constexpr std::array<Bucket, 18> kPlaces{{{-40, -21, 41},
                                                   {-20, -11, 220},
                                                   {-10, -6, 285},
                                                   {-5, -3, 627},
                                                   {-2, -2, 344},
                                                   {-1, -1, 807},
                                                   {0, 0, 755},
                                                   {1, 1, 534},
                                                   {2, 2, 413},
                                                   {3, 5, 706},
                                                   {6, 10, 1206},
                                                   {11, 15, 1139},
                                                   {16, 20, 406},
                                                   {21, 50, 1300},
                                                   {51, 100, 811},
                                                   {101, 200, 621},
                                                   {201, 1000, 44},
                                                   {1001, 11000, 7}}};

  /// Cents that most orders keep from the other side's best, at most, and the spread that draws orders into
  /// it.
  static constexpr std::uint64_t kGap = 12;
  static constexpr std::int64_t kWideSpread = 30;

  /// Lives in messages, by place: up to 10 cents behind the best, up to 50, up to 200, beyond. Orders that
  /// outlive the sample are in the last bucket.
  static constexpr std::array<Bucket, 14> kShortLives{{{1, 1, 714},
                                                       {2, 3, 1626},
                                                       {4, 7, 1839},
                                                       {8, 15, 2003},
                                                       {16, 31, 1557},
                                                       {32, 63, 1066},
                                                       {64, 127, 624},
                                                       {128, 255, 276},
                                                       {256, 511, 151},
                                                       {512, 1023, 56},
                                                       {1024, 2047, 48},
                                                       {2048, 4095, 20},
                                                       {4096, 16383, 10},
                                                       {16384, 131071, 8}}};
  static constexpr std::array<Bucket, 14> kMiddleLives{{{1, 1, 397},
                                                        {2, 3, 822},
                                                        {4, 7, 949},
                                                        {8, 15, 1122},
                                                        {16, 31, 1393},
                                                        {32, 63, 1431},
                                                        {64, 127, 1256},
                                                        {128, 255, 1054},
                                                        {256, 511, 752},
                                                        {512, 1023, 443},
                                                        {1024, 2047, 196},
                                                        {2048, 4095, 81},
                                                        {4096, 16383, 65},
                                                        {16384, 131071, 38}}};
  static constexpr std::array<Bucket, 14> kLongLives{{{1, 1, 321},
                                                      {2, 3, 757},
                                                      {4, 7, 609},
                                                      {8, 15, 914},
                                                      {16, 31, 1233},
                                                      {32, 63, 1507},
                                                      {64, 127, 1364},
                                                      {128, 255, 1057},
                                                      {256, 511, 811},
                                                      {512, 1023, 539},
                                                      {1024, 2047, 225},
                                                      {2048, 4095, 162},
                                                      {4096, 16383, 261},
                                                      {16384, 131071, 240}}};
  static constexpr std::array<Bucket, 6> kDistantLives{{{1, 15, 427},
                                                        {16, 127, 2104},
                                                        {128, 1023, 975},
                                                        {1024, 8191, 1280},
                                                        {8192, 65535, 610},
                                                        {65536, 131071, 4604}}};

  /// Every other of a session's first orders stays: the far ends of the book, at multiples of half a dollar.
  static constexpr Price kRoundPrice = 5000;
  static constexpr std::size_t kOpening = 600;
  static constexpr std::array<Bucket, 5> kOpeningPlaces{
      {{51, 100, 1500}, {101, 200, 3500}, {201, 400, 3000}, {401, 1000, 1200}, {1001, 6000, 800}}};
  static constexpr std::array<Bucket, 1> kOpeningLives{{{16384, 131071, 1}}};

  /// Shares; in 1/10000.
  static constexpr std::array<Bucket, 14> kSizes{{{100, 100, 5276},
                                                  {18, 18, 1113},
                                                  {200, 200, 727},
                                                  {22, 23, 517},
                                                  {1000, 1000, 294},
                                                  {19, 20, 433},
                                                  {1, 1, 184},
                                                  {10, 10, 139},
                                                  {8, 8, 139},
                                                  {17, 17, 129},
                                                  {25, 25, 75},
                                                  {2, 6, 240},
                                                  {7, 99, 637},
                                                  {300, 300, 97}}};

  /// From one id to the next: the exchange numbers the orders of all its stocks together.
  static constexpr std::array<Bucket, 7> kIdSteps{{{1, 1, 800},
                                                   {2, 10, 1700},
                                                   {11, 149, 2500},
                                                   {150, 1300, 2500},
                                                   {1301, 3950, 1500},
                                                   {3951, 6600, 500},
                                                   {6601, 16000, 500}}};

  /// When an order's life is over, in messages; the heap's top is the earliest. Equal times: the lower id.
  using Deadline = std::pair<std::size_t, OrderId>;

  Message next(std::size_t now) {
    while (!deadlines_.empty() && deadlines_.front().first <= now) {
      std::pop_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
      const OrderId id = deadlines_.back().second;
      deadlines_.pop_back();
      if (const auto order = book_.find(id))
        return {id, order->price, order->size, Kind::kDelete, order->side};
    }
    const Side side = draw(2) == 0 ? Side::kBuy : Side::kSell;
    Message message;
    switch (static_cast<Kind>(draw(kKinds))) {
      case Kind::kVisibleExecution:
        message = execution(side);
        break;
      case Kind::kHiddenExecution:
        message = hidden_execution(side);
        break;
      case Kind::kPartialCancel:
        message = halving();
        break;
      default:
        break;
    }
    return message.size != 0 ? message : new_order(side, now);
  }

  Message new_order(Side side, std::size_t now) {
    const bool is_opening = now < kOpening && draw(2) == 0;
    const std::int64_t behind = is_opening ? draw(kOpeningPlaces) : draw_place();
    const std::int64_t life = is_opening ? draw(kOpeningLives) : draw_life(behind);
    const Price exact = best(side) - (side == Side::kBuy ? behind : -behind) * kCent;
    const Price price = is_opening ? (exact / kRoundPrice + 1) * kRoundPrice : exact;
    last_id_ += static_cast<OrderId>(draw(kIdSteps));
    deadlines_.emplace_back(now + static_cast<std::size_t>(life), last_id_);
    std::push_heap(deadlines_.begin(), deadlines_.end(), std::greater<>());
    return {last_id_, std::max(price, kCent), static_cast<Quantity>(draw(kSizes)), Kind::kNew, side};
  }

  /// Cents behind the best. The wider the spread, the more orders improve on it; none comes too near the
  /// other side.
  std::int64_t draw_place() {
    const std::int64_t spread = (best(Side::kSell) - best(Side::kBuy)) / kCent;
    const std::int64_t room = spread - 1 - static_cast<std::int64_t>(draw(kGap));
    const std::int64_t behind = draw_place_within(room);
    return spread > kWideSpread ? std::min(behind, draw_place_within(room)) : behind;
  }

  /// Improves on the best by at most `room` cents.
  std::int64_t draw_place_within(std::int64_t room) {
    std::int64_t behind = draw(kPlaces);
    while (behind < 0 && -behind > room) behind = draw(kPlaces);
    return behind;
  }

  /// The best price of a side; of an empty one, the last, or what keeps the usual spread to the other side.
  Price best(Side side) {
    Price& best = last_best_[static_cast<std::size_t>(side)];
    if (!book_.levels(side).empty())
      best = book_.best_price(side);
    else if (!book_.levels(opposite(side)).empty())
      best = book_.best_price(opposite(side)) + (side == Side::kBuy ? -kUsualSpread : kUsualSpread);
    return best;
  }

  std::int64_t draw_life(std::int64_t behind) {
    if (behind <= 10) return draw(kShortLives);
    if (behind <= 50) return draw(kMiddleLives);
    return behind <= 200 ? draw(kLongLives) : draw(kDistantLives);
  }

  /// An order at the front is executed, three times of four in full. Size 0 when the side is empty.
  Message execution(Side side) {
    if (book_.levels(side).empty()) return {};
    const auto& order = book_.best_order(side);
    const bool is_full = order.size == 1 || draw(100) < 72;
    const Quantity part = is_full ? order.size : 1 + static_cast<Quantity>(draw(order.size - 1));
    return {order.id, book_.best_price(side), part, Kind::kVisibleExecution, side};
  }

  /// Between the best prices, as far as there is room.
  Message hidden_execution(Side side) {
    const Price sum = (best(Side::kBuy) + best(Side::kSell)) / kCent;
    return {0, sum / 2 * kCent, static_cast<Quantity>(draw(kSizes)), Kind::kHiddenExecution, side};
  }

  /// Some resting order becomes half as large. Size 0 when the draw finds none to halve.
  Message halving() {
    if (deadlines_.empty()) return {};
    const OrderId id = deadlines_[draw(deadlines_.size())].second;
    const auto order = book_.find(id);
    if (!order) return {};
    return {id, order->price, order->size / 2, Kind::kPartialCancel, order->side};
  }

  std::int64_t draw(std::span<const Bucket> table) {
    std::uint64_t sum = 0;
    for (const Bucket& bucket : table) sum += bucket.weight;
    std::uint64_t ticket = draw(sum);
    std::size_t row = 0;
    while (ticket >= table[row].weight) ticket -= table[row++].weight;
    const Bucket& bucket = table[row];
    return bucket.low +
           static_cast<std::int64_t>(draw(static_cast<std::uint64_t>(bucket.high - bucket.low) + 1));
  }

  /// From 0 to `bound` - 1. The remainder favours low values by less than one in 10^14 here.
  std::uint64_t draw(std::uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  OrderBook<> book_;
  std::vector<Deadline> deadlines_;
  std::array<Price, 2> last_best_{kFirstPrice, kFirstPrice + kUsualSpread};
  OrderId last_id_ = 0;
};

}  // namespace orderbook
