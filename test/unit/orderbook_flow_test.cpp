// The generated order flow and the meter that it is held to: bench/orderbook.
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <vector>

#include "bench/orderbook/FlowGenerator.hpp"
#include "bench/orderbook/FlowMix.hpp"
#include "bench/orderbook/Message.hpp"
#include "bench/orderbook/OrderBook.hpp"

BOOST_AUTO_TEST_SUITE(flow_generator)

namespace {

using namespace orderbook;

constexpr Message buy(OrderId id, Price price, Quantity size) {
  return {id, price, size, Kind::kNew, Side::kBuy};
}
constexpr Message sell(OrderId id, Price price, Quantity size) {
  return {id, price, size, Kind::kNew, Side::kSell};
}
constexpr Message about(Kind kind, OrderId id, Quantity size = 0) { return {id, 0, size, kind, Side::kBuy}; }

}  // namespace

BOOST_AUTO_TEST_CASE(the_flow_depends_on_the_seed_alone) {
  const std::vector<Message> flow = FlowGenerator(1).generate(5000);
  BOOST_TEST((flow == FlowGenerator(1).generate(5000)));
  BOOST_TEST((flow != FlowGenerator(2).generate(5000)));
  std::vector<Message> longer = FlowGenerator(1).generate(6000);
  longer.resize(5000);
  BOOST_TEST((flow == longer));
}

BOOST_AUTO_TEST_CASE(the_flow_is_the_same_on_every_platform) {
  OrderBook<> book;
  for (const Message& message : FlowGenerator(1).generate(20000)) book.apply(message);
  BOOST_TEST(book.digest() == 5738401357001416765U);
}

BOOST_AUTO_TEST_CASE(every_message_makes_sense_to_a_book_and_never_crosses_it) {
  OrderBook<> book;
  for (const Message& message : FlowGenerator(7).generate(20000)) {
    BOOST_REQUIRE(message.size > 0U);
    BOOST_REQUIRE(message.price > 0);
    if (const auto order = book.find(message.id); order && message.kind != Kind::kNew)
      BOOST_REQUIRE((order->price == message.price && order->side == message.side));
    book.apply(message);
    if (!book.levels(Side::kBuy).empty() && !book.levels(Side::kSell).empty())
      BOOST_REQUIRE(book.best_price(Side::kBuy) < book.best_price(Side::kSell));
  }
  BOOST_TEST(book.is_valid());
  BOOST_TEST(book.tally().unknown == 0U);
  BOOST_TEST(book.tally().duplicate == 0U);
  BOOST_TEST(book.tally().excess == 0U);
}

BOOST_AUTO_TEST_CASE(the_mix_follows_the_sample_within_the_stated_tolerance) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const FlowMix mix = FlowMeter::measure(FlowGenerator(seed).generate(100'000));
    const auto is_near = [](double found, double wanted, double tolerance) {
      BOOST_TEST(found >= wanted - tolerance);
      BOOST_TEST(found <= wanted + tolerance);
    };
    constexpr double kOfMessages = 0.01;
    constexpr double kShare = 0.03;
    is_near(mix.new_share, kSampleMix.new_share, kOfMessages);
    is_near(mix.cancel_share, kSampleMix.cancel_share, kOfMessages / 5);
    is_near(mix.delete_share, kSampleMix.delete_share, kOfMessages);
    is_near(mix.execution_share, kSampleMix.execution_share, kOfMessages);
    is_near(mix.hidden_share, kSampleMix.hidden_share, kOfMessages);
    is_near(mix.better_share, kSampleMix.better_share, kShare);
    is_near(mix.at_best_share, kSampleMix.at_best_share, kShare);
    is_near(mix.within_5_share, kSampleMix.within_5_share, kShare);
    is_near(mix.within_20_share, kSampleMix.within_20_share, kShare);
    is_near(mix.within_100_share, kSampleMix.within_100_share, kShare);
    is_near(mix.beyond_share, kSampleMix.beyond_share, kShare);
    is_near(mix.new_level_share, kSampleMix.new_level_share, kShare);
    is_near(mix.hundred_share, kSampleMix.hundred_share, kShare);
    is_near(mix.round_lot_share, kSampleMix.round_lot_share, kShare);
    is_near(mix.full_execution_share, kSampleMix.full_execution_share, kShare);
    is_near(mix.life_median, kSampleMix.life_median, kSampleMix.life_median / 4);
    is_near(mix.life_p90, kSampleMix.life_p90, kSampleMix.life_p90 / 4);
    is_near(mix.life_p99, kSampleMix.life_p99, kSampleMix.life_p99 / 4);
    is_near(mix.resting_orders, kSampleMix.resting_orders, kSampleMix.resting_orders / 4);
    is_near(mix.levels, kSampleMix.levels, kSampleMix.levels / 4);
    is_near(mix.spread_median, kSampleMix.spread_median, kSampleMix.spread_median / 3);
  }
}

BOOST_AUTO_TEST_CASE(the_meter_counts_what_a_flow_is_made_of) {
  const std::vector<Message> flow{buy(1, 10000, 100),
                                  sell(2, 12000, 250),
                                  buy(3, 10100, 100),
                                  buy(4, 10000, 300),
                                  about(Kind::kDelete, 4),
                                  about(Kind::kVisibleExecution, 3, 50),
                                  about(Kind::kVisibleExecution, 3, 50),
                                  about(Kind::kHiddenExecution, 0, 1)};
  const FlowMix mix = FlowMeter::measure(flow);
  BOOST_TEST(mix.new_share == 0.5);
  BOOST_TEST(mix.delete_share == 0.125);
  BOOST_TEST(mix.execution_share == 0.25);
  BOOST_TEST(mix.hidden_share == 0.125);
  BOOST_TEST(mix.full_execution_share == 0.5);
  BOOST_TEST(mix.better_share == 0.25);
  BOOST_TEST(mix.within_5_share == 0.25);
  BOOST_TEST(mix.new_level_share == 0.75);
  BOOST_TEST(mix.hundred_share == 0.5);
  BOOST_TEST(mix.round_lot_share == 0.75);
  BOOST_TEST(mix.life_median == 4.0);
  BOOST_TEST(mix.spread_median == 19.0);
}

BOOST_AUTO_TEST_SUITE_END()
