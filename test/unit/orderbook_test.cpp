// The order book, its replay, and what flux_orderbook is told and tells: bench/orderbook.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/Allocator.hpp>
#include <initializer_list>
#include <memory>
#include <vector>

#include "bench/orderbook/FlowGenerator.hpp"
#include "bench/orderbook/Latencies.hpp"
#include "bench/orderbook/Message.hpp"
#include "bench/orderbook/Options.hpp"
#include "bench/orderbook/OrderBook.hpp"
#include "bench/orderbook/Replay.hpp"

BOOST_AUTO_TEST_SUITE(order_book)

namespace {

using namespace orderbook;
using FluxBook = OrderBook<flux::Allocator<std::byte>>;
using StdBook = OrderBook<std::allocator<std::byte>>;

constexpr Message buy(OrderId id, Price price, Quantity size) {
  return {id, price, size, Kind::kNew, Side::kBuy};
}
constexpr Message sell(OrderId id, Price price, Quantity size) {
  return {id, price, size, Kind::kNew, Side::kSell};
}
constexpr Message about(Kind kind, OrderId id, Quantity size = 0) { return {id, 0, size, kind, Side::kBuy}; }

template <class Book>
void apply(Book& book, std::initializer_list<Message> messages) {
  for (const Message& message : messages) {
    book.apply(message);
    BOOST_REQUIRE(book.is_valid());
  }
}

/// Three bids on two levels, one ask.
template <class Book>
void fill(Book& book) {
  apply(book, {buy(1, 100, 10), buy(2, 100, 20), buy(3, 101, 30), sell(4, 105, 40)});
}

/// Counts what is allocated and not given back, over all its types.
struct CountedBytes {
  static inline std::ptrdiff_t live = 0;
};
template <class T>
struct CountingAllocator {
  using value_type = T;
  CountingAllocator() = default;
  template <class U>
  CountingAllocator(const CountingAllocator<U>&) {}
  T* allocate(std::size_t n) {
    CountedBytes::live += static_cast<std::ptrdiff_t>(n * sizeof(T));
    return std::allocator<T>{}.allocate(n);
  }
  void deallocate(T* p, std::size_t n) {
    CountedBytes::live -= static_cast<std::ptrdiff_t>(n * sizeof(T));
    std::allocator<T>{}.deallocate(p, n);
  }
  friend bool operator==(const CountingAllocator&, const CountingAllocator&) { return true; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(levels_are_best_first_and_orders_first_come_first) {
  FluxBook book;
  fill(book);
  apply(book, {sell(5, 104, 50)});
  BOOST_TEST(book.size() == 5U);
  BOOST_TEST(book.best_price(Side::kBuy) == 101);
  BOOST_TEST(book.best_price(Side::kSell) == 104);
  BOOST_TEST(book.levels(Side::kBuy).size() == 2U);
  apply(book, {about(Kind::kDelete, 3)});
  BOOST_TEST(book.best_price(Side::kBuy) == 100);
  BOOST_TEST(book.best_order(Side::kBuy).id == 1U);
  BOOST_TEST(book.volume_at(Side::kBuy, 100) == 30);
  BOOST_TEST(book.volume_at(Side::kBuy, 101) == 0);
}

BOOST_AUTO_TEST_CASE(a_partial_cancel_shrinks_an_order_and_keeps_its_place) {
  FluxBook book;
  fill(book);
  apply(book, {about(Kind::kPartialCancel, 1, 4)});
  BOOST_TEST(book.best_order(Side::kBuy).id == 3U);
  BOOST_TEST(book.find(1)->size == 6U);
  BOOST_TEST(book.volume_at(Side::kBuy, 100) == 26);
  BOOST_TEST(book.levels(Side::kBuy).rbegin()->second.orders.front().id == 1U);
}

BOOST_AUTO_TEST_CASE(executions_in_parts_end_an_order_when_nothing_is_left) {
  FluxBook book;
  fill(book);
  apply(book, {about(Kind::kVisibleExecution, 3, 10), about(Kind::kVisibleExecution, 3, 19)});
  BOOST_TEST(book.find(3)->size == 1U);
  apply(book, {about(Kind::kVisibleExecution, 3, 1)});
  BOOST_TEST(!book.has_order(3));
  BOOST_TEST(book.best_price(Side::kBuy) == 100);
  BOOST_TEST(book.tally().applied == 7U);
  BOOST_TEST(book.tally().excess == 0U);
}

BOOST_AUTO_TEST_CASE(a_reduction_beyond_an_orders_size_takes_all_of_it_and_is_counted) {
  FluxBook book;
  fill(book);
  apply(book, {about(Kind::kPartialCancel, 1, 11), about(Kind::kVisibleExecution, 4, 41)});
  BOOST_TEST(book.size() == 2U);
  BOOST_TEST(book.levels(Side::kSell).empty());
  BOOST_TEST(book.tally().excess == 2U);
}

BOOST_AUTO_TEST_CASE(unknown_and_duplicate_ids_are_counted_and_skipped) {
  FluxBook book;
  fill(book);
  FluxBook same;
  fill(same);
  apply(book, {about(Kind::kDelete, 9), about(Kind::kPartialCancel, 9, 1),
               about(Kind::kVisibleExecution, 9, 1), sell(1, 300, 5)});
  BOOST_TEST(book.tally().unknown == 3U);
  BOOST_TEST(book.tally().duplicate == 1U);
  BOOST_TEST(book.size() == 4U);
  BOOST_TEST(book.find(1)->price == 100);
  BOOST_TEST(first_difference(book, same) == "the tallies of messages differ");
}

BOOST_AUTO_TEST_CASE(hidden_executions_cross_trades_and_halts_touch_no_book) {
  FluxBook book;
  fill(book);
  apply(book,
        {about(Kind::kHiddenExecution, 1, 5), about(Kind::kCrossTrade, 1, 5), about(Kind::kHalt, 1, 5)});
  BOOST_TEST(book.find(1)->size == 10U);
  BOOST_TEST(book.tally().untouched == 3U);
  BOOST_TEST(book.tally().applied == 4U);
}

BOOST_AUTO_TEST_CASE(a_closed_session_leaves_an_empty_book_that_can_be_filled_again) {
  FluxBook book;
  fill(book);
  book.close_session();
  BOOST_TEST(book.size() == 0U);
  BOOST_TEST(book.is_valid());
  BOOST_TEST(book.levels(Side::kBuy).empty());
  fill(book);
  BOOST_TEST(book.size() == 4U);
  BOOST_TEST(book.tally().duplicate == 0U);
}

BOOST_AUTO_TEST_CASE(all_memory_comes_from_the_allocator_and_goes_back_to_it) {
  {
    OrderBook<CountingAllocator<std::byte>> book;
    const std::ptrdiff_t empty = CountedBytes::live;
    fill(book);
    BOOST_TEST(CountedBytes::live >= empty + static_cast<std::ptrdiff_t>(4 * 2 * sizeof(void*)));
    for (const OrderId id : {1U, 2U, 3U, 4U}) book.apply(about(Kind::kDelete, id));
    const std::ptrdiff_t drained = CountedBytes::live;  // the index keeps its buckets
    fill(book);
    book.close_session();
    BOOST_TEST(CountedBytes::live == drained);
    fill(book);
  }
  BOOST_TEST(CountedBytes::live == 0);
}

BOOST_AUTO_TEST_CASE(books_of_different_allocators_that_saw_the_same_flow_are_the_same) {
  StdBook standard;
  FluxBook flux;
  for (const Message& message : FlowGenerator(3).generate(3000)) {
    standard.apply(message);
    flux.apply(message);
    BOOST_REQUIRE(standard.digest() == flux.digest());
  }
  BOOST_TEST(flux.is_valid());
  BOOST_TEST(first_difference(standard, flux) == "");
  BOOST_TEST(first_difference(flux, standard) == "");
}

BOOST_AUTO_TEST_CASE(every_kind_of_difference_between_books_is_found_and_named) {
  const auto difference = [](std::initializer_list<Message> a, std::initializer_list<Message> b) {
    StdBook left;
    FluxBook right;
    apply(left, a);
    apply(right, b);
    BOOST_TEST(left.digest() != right.digest());
    return first_difference(left, right);
  };
  BOOST_TEST(difference({buy(1, 100, 10)}, {}) == "orders at rest: 1 and 0");
  BOOST_TEST(difference({buy(1, 100, 10)}, {buy(1, 101, 10)}) == "buy level 100 is in one book only");
  BOOST_TEST(difference({buy(1, 100, 10)}, {sell(1, 100, 10)}) == "buy level 100 is in one book only");
  BOOST_TEST(difference({sell(1, 100, 10)}, {buy(1, 100, 10)}) == "a buy level is in one book only");
  BOOST_TEST(difference({sell(1, 100, 10)}, {sell(1, 100, 11)}) == "sell level 100: the volumes differ");
  BOOST_TEST(difference({buy(1, 100, 5), buy(2, 100, 5), buy(3, 99, 1)},
                        {buy(1, 100, 10), buy(3, 99, 1), buy(2, 98, 1)}) ==
             "buy level 100: the queue lengths differ");
  BOOST_TEST(difference({buy(1, 100, 5), buy(2, 100, 5)}, {buy(2, 100, 5), buy(1, 100, 5)}) ==
             "buy level 100: order 1 differs");
}

BOOST_AUTO_TEST_CASE(a_replay_shifts_ids_so_that_sessions_share_none) {
  const std::vector<Message> flow{buy(7, 100, 10), buy(9, 100, 10), about(Kind::kDelete, 7)};
  BOOST_TEST((with_shifted_id(flow[0], 10) == buy(17, 100, 10)));
  const ReplayFigures once = Replay<flux::Allocator<std::byte>>(flow).run_whole(1);
  const ReplayFigures thrice = Replay<flux::Allocator<std::byte>>(flow).run_whole(3);
  BOOST_TEST(thrice.tally.applied == 9U);
  BOOST_TEST(thrice.tally.duplicate == 0U);
  BOOST_TEST(thrice.tally.unknown == 0U);
  BOOST_TEST(thrice.orders == 1U);
  BOOST_TEST(once.warm.messages == 0U);
  BOOST_TEST(thrice.warm.messages == 6U);
  BOOST_TEST(once.digest != thrice.digest);
}

BOOST_AUTO_TEST_CASE(replays_of_both_allocators_with_and_without_timing_each_message_agree) {
  const std::vector<Message> flow = FlowGenerator(5).generate(2000);
  const ReplayFigures standard = Replay<std::allocator<std::byte>>(flow).run_whole(2);
  const ReplayFigures flux = Replay<flux::Allocator<std::byte>>(flow).run_each(2);
  BOOST_TEST(standard.digest == flux.digest);
  BOOST_TEST((standard.tally == flux.tally));
  BOOST_TEST(flux.warm.p50 <= flux.warm.p99);
  BOOST_TEST(flux.warm.p99 <= flux.warm.p999);
  BOOST_TEST(flux.warm.p999 <= flux.warm.max);
  BOOST_TEST(flux.warm.max > 0U);
}

BOOST_AUTO_TEST_SUITE(orderbook_program)

BOOST_AUTO_TEST_CASE(quantiles_are_exact_below_1024_and_a_step_of_a_512th_beyond) {
  Latencies latencies;
  BOOST_TEST(latencies.quantile(500) == 0U);
  for (std::uint64_t value = 1; value <= 1000; ++value) latencies.record(value);
  BOOST_TEST(latencies.quantile(1) == 1U);
  BOOST_TEST(latencies.quantile(500) == 500U);
  BOOST_TEST(latencies.quantile(999) == 999U);
  BOOST_TEST(latencies.quantile(1000) == 1000U);
  for (const std::uint64_t value : {1023ULL, 1024ULL, 1025ULL, 99'999ULL, 12'345'678'901ULL, 1ULL << 62U}) {
    Latencies two;
    two.record(value);
    BOOST_TEST(two.max() == value);
    two.record(~std::uint64_t{0});
    BOOST_TEST(two.total() == 2U);
    BOOST_TEST(two.quantile(500) >= std::min<std::uint64_t>(value, 1ULL << 39U));
    BOOST_TEST(two.quantile(500) <= value + value / 512);
  }
}

BOOST_AUTO_TEST_CASE(options_are_read_in_both_spellings_and_mistakes_are_named) {
  const auto error = [](std::initializer_list<const char*> arguments) {
    return Options().parse({arguments.begin(), arguments.size()});
  };
  const std::vector<const char*> arguments{"--generate", "7", "--seed=18446744073709551615", "--repeat=3",
                                           "--json=report.json"};
  Options options;
  BOOST_TEST(options.parse(arguments) == "");
  BOOST_TEST(options.generate == 7U);
  BOOST_TEST(options.seed == 18446744073709551615U);
  BOOST_TEST(options.json_file == "report.json");
  BOOST_TEST(options.repeat_for(7) == 3U);
  BOOST_TEST(Options().repeat_for(91'997) == 55U);
  BOOST_TEST(Options().repeat_for(100'000'000) == 2U);
  BOOST_TEST(Options().repeat_for(3) == 1'000U);
  BOOST_TEST(error({"--frob"}) == "unknown argument \"--frob\"");
  BOOST_TEST(error({"--mix=1"}) == "unknown argument \"--mix=1\"");
  BOOST_TEST(error({"--json"}) == "--json lacks its value");
  BOOST_TEST(error({"--seed"}) == "--seed lacks its value");
  BOOST_TEST(error({"--messages="}) == "--messages lacks its value");
  BOOST_TEST(error({"--generate", "0"}) == "--generate: \"0\" is not a whole number from 1 to 100000000");
  BOOST_TEST(error({"--runs", "-1"}) == "--runs: \"-1\" is not a whole number from 1 to 100000000");
  BOOST_TEST(error({"--seed", "18446744073709551616"}) ==
             "--seed: \"18446744073709551616\" is not a whole number of 64 bits");
  BOOST_TEST(error({"--messages", "a", "--generate", "5"}) == "--messages and --generate exclude each other");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE_END()
