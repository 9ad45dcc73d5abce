#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

#include "Message.hpp"

namespace orderbook {

/// One line of a LOBSTER message file: six comma-separated columns, no quotes, no blanks.
///   time       seconds after midnight, decimal, below 86400; checked, then dropped
///   type       1 to 7, see Kind
///   order id   0 or more; types 6 and 7 carry marks of their own there, also negative ones
///   size       shares: 1 or more; types 6 and 7: 0 or more
///   price      dollars x 10000: 1 or more; type 7: also 0 and -1 (quotes resume, a halt begins)
///   direction  1 buy, -1 sell
/// Everything else is an error: what was cut off or edited badly must not pass for order flow. Numbers are
/// read without regard to the locale.
class LobsterLine {
 public:
  /// `text` without its line end; must outlive this object.
  explicit LobsterLine(std::string_view text) noexcept : text_(text) {}

  /// Fills `message` and returns true, or returns false with the reason in `reason()`. To be called once.
  bool read(Message& message) {
    std::int64_t type = 0;
    if (!split() || !check_time() || !whole(kType, 1, 7, type)) return false;
    message.kind = static_cast<Kind>(type);
    const bool is_halt = message.kind == Kind::kHalt;
    const bool is_notice = is_halt || message.kind == Kind::kCrossTrade;

    std::int64_t id = 0;
    std::int64_t size = 0;
    std::int64_t direction = 0;
    if (!whole(kId, is_notice ? -kMost : 0, kMost, id) ||
        !whole(kSize, is_notice ? 0 : 1, std::numeric_limits<Quantity>::max(), size) ||
        !whole(kPrice, is_halt ? -1 : 1, kMost, message.price) || !whole(kDirection, -1, 1, direction))
      return false;
    if (direction == 0) return refuse(kDirection, "is neither 1 (buy) nor -1 (sell)");

    message.id = static_cast<OrderId>(id);
    message.size = static_cast<Quantity>(size);
    message.side = direction == 1 ? Side::kBuy : Side::kSell;
    return true;
  }

  /// For instance: column 4 (size): "-5" is negative
  const std::string& reason() const noexcept { return reason_; }

 private:
  enum Column : std::size_t { kTime, kType, kId, kSize, kPrice, kDirection };

  static constexpr std::array<const char*, 6> kNames{"time", "type",  "order id",
                                                     "size", "price", "direction"};
  static constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  static constexpr std::uint64_t kSecondsOfDay = 86400;

  bool split() {
    std::size_t count = 0;
    std::string_view rest = text_;
    for (std::size_t comma = 0; comma != std::string_view::npos; ++count) {
      comma = rest.find(',');
      if (count < columns_.size()) columns_[count] = rest.substr(0, comma);
      if (comma != std::string_view::npos) rest.remove_prefix(comma + 1);
    }
    if (count == columns_.size()) return true;
    reason_ = text_.empty() ? "the line is empty" : "expected 6 columns, found " + std::to_string(count);
    return false;
  }

  /// Digits, and perhaps a point and more digits.
  bool check_time() {
    const std::string_view text = columns_[kTime];
    const char* const end = text.data() + text.size();
    std::uint64_t seconds = 0;
    const auto [rest, code] = std::from_chars(text.data(), end, seconds);
    const std::string_view tail(rest, static_cast<std::size_t>(end - rest));
    const bool is_decimal =
        tail.empty() || (tail.size() > 1 && tail.front() == '.' &&
                         tail.find_first_not_of("0123456789", 1) == std::string_view::npos);
    if (code == std::errc::invalid_argument || !is_decimal)
      return refuse(kTime, "is not a decimal number of seconds");
    if (code != std::errc{} || seconds >= kSecondsOfDay)
      return refuse(kTime, "is out of range: a day has 86400 seconds");
    return true;
  }

  /// Reads a column as a whole number from `low` to `high`.
  bool whole(Column column, std::int64_t low, std::int64_t high, std::int64_t& value) {
    const std::string_view text = columns_[column];
    const char* const end = text.data() + text.size();
    const auto [rest, code] = std::from_chars(text.data(), end, value);
    if (code == std::errc::invalid_argument || rest != end) return refuse(column, "is not a whole number");
    if (code == std::errc{} && value >= low && value <= high) return true;
    if (text.front() == '-' && low >= 0) return refuse(column, "is negative");
    return refuse(column, "is out of range: " + std::to_string(low) + " to " + std::to_string(high));
  }

  bool refuse(Column column, const std::string& fault) {
    reason_ = "column " + std::to_string(column + 1) + " (" + kNames[column] +
              "): " + quoted(columns_[column]) + " " + fault;
    return false;
  }

  /// The text, fit for a terminal: no control characters, and not too much of it.
  static std::string quoted(std::string_view text) {
    constexpr std::size_t kShown = 40;
    std::string result = "\"";
    for (const char letter : text.substr(0, kShown)) result += letter >= ' ' && letter <= '~' ? letter : '?';
    return result + (text.size() > kShown ? "...\"" : "\"");
  }

  std::string_view text_;
  std::array<std::string_view, kNames.size()> columns_;
  std::string reason_;
};

}  // namespace orderbook
