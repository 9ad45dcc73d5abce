// The reader of order flows takes any bytes: what it reads can be written and read again, and what it refuses it refuses
// for the first line that is wrong.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/orderbook/LobsterFile.hpp"
#include "bench/orderbook/LobsterLine.hpp"
#include "bench/orderbook/Message.hpp"
#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"

namespace flux::test::fuzz {

namespace order_flows {
namespace {

using orderbook::LobsterFile;
using orderbook::LobsterLine;
using orderbook::Message;

/// The lines of a text without their ends; what follows the last end is a line when there is any.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::string line;
  for (const char letter : text) {
    line += letter;
    if (letter != '\n') continue;
    lines.push_back(line.substr(0, line.size() - 1));
    line.clear();
  }
  if (!line.empty()) lines.push_back(line);
  for (std::string& each : lines)
    if (each.ends_with('\r')) each.pop_back();
  return lines;
}

std::string written(const Message& message) {
  const auto id = static_cast<std::int64_t>(message.id);  // types 6 and 7 have negative ones
  return "0," + std::to_string(static_cast<int>(message.kind)) + ',' + std::to_string(id) + ',' +
         std::to_string(message.size) + ',' + std::to_string(message.price) + ',' +
         (message.side == orderbook::Side::kBuy ? "1" : "-1") + '\n';
}

void expect_fit_for_a_terminal(std::string_view text) {
  for (const char letter : text) expect(letter >= ' ' && letter <= '~', "an error is not fit for a terminal");
}

void run(std::string_view text) {
  const LobsterFile file = LobsterFile::parse("flow.csv", text);
  const std::vector<std::string> lines = lines_of(text);
  if (!file.error()) {
    expect(!lines.empty() && file.messages().size() == lines.size(), "a line is not a message");
    std::string again;
    for (const Message& message : file.messages()) again += written(message);
    const LobsterFile twin = LobsterFile::parse("flow.csv", again);
    expect(!twin.error() && twin.messages() == file.messages(),
           "what was read cannot be written and read again");
    return;
  }
  const orderbook::InputError& error = *file.error();
  expect(file.messages().empty(), "there are messages beside an error");
  expect_fit_for_a_terminal(error.message());
  expect(!error.reason.empty() && error.reason.size() < 200, "a reason is missing, or too long");
  if (text.empty()) return expect(error.message() == "flow.csv: is empty", "an empty file is not said to be");
  expect(error.line >= 1 && error.line <= lines.size(), "an error names no line");
  expect(error.message() == "flow.csv:" + std::to_string(error.line) + ": " + error.reason,
         "an error names no line");
  for (std::size_t i = 0; i != error.line; ++i) {
    Message message;
    LobsterLine line(lines[i]);
    const bool is_good = line.read(message);
    expect(is_good == (i + 1 != error.line), "an error names another line than the first that is wrong");
    if (!is_good) expect(line.reason() == error.reason, "a line is refused for two reasons");
  }
}

}  // namespace
}  // namespace order_flows

void fuzz_lobster(Data data) { order_flows::run(Input(data).text()); }

}  // namespace flux::test::fuzz
