#pragma once

#include <cstdint>

/// \file
/// One message of an order flow, in the words of the LOBSTER message files.

namespace orderbook {

using OrderId = std::uint64_t;
using Price = std::int64_t;      ///< dollars x 10000
using Quantity = std::uint32_t;  ///< shares

/// What a message reports; the values are those of a LOBSTER file's second column.
enum class Kind : std::uint8_t {
  kNew = 1,               ///< a limit order joins the back of the queue at its price
  kPartialCancel = 2,     ///< an order becomes smaller by `size`, and keeps its place
  kDelete = 3,            ///< an order leaves
  kVisibleExecution = 4,  ///< an order is executed for `size` shares
  kHiddenExecution = 5,   ///< somebody's hidden order is executed: touches no book
  kCrossTrade = 6,        ///< an auction's summary: touches no book
  kHalt = 7,              ///< trading halts or resumes: touches no book
};

enum class Side : std::uint8_t { kBuy = 0, kSell = 1 };

constexpr Side opposite(Side side) noexcept { return side == Side::kBuy ? Side::kSell : Side::kBuy; }

struct Message {
  OrderId id = 0;
  Price price = 0;
  Quantity size = 0;
  Kind kind = Kind::kNew;
  Side side = Side::kBuy;

  friend bool operator==(const Message&, const Message&) = default;
};

static_assert(sizeof(Message) == 24, "a replay streams its messages: keep them small");

/// The same message about an order whose id is `shift` higher: how one recording is replayed several times
/// without any two orders sharing an id.
constexpr Message with_shifted_id(Message message, OrderId shift) noexcept {
  message.id += shift;
  return message;
}

}  // namespace orderbook
