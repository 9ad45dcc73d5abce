#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "Contest.hpp"
#include "FlowMix.hpp"
#include "Options.hpp"
#include "Replay.hpp"

namespace orderbook {

/// One figure of both allocators.
struct ReportRow {
  const char* key;    ///< in JSON
  const char* label;  ///< in the table
  double standard;
  double flux;
  bool is_rate = false;  ///< more is better; otherwise the figure is a cost

  /// How many times better flux::Allocator does; 0 when that cannot be said.
  double ratio() const noexcept {
    const double over = is_rate ? flux : standard;
    const double under = is_rate ? standard : flux;
    return under > 0 && over > 0 ? over / under : 0;
  }
};

/// The result for people (table) and for scripts (json); both show the same rows.
class Report {
 public:
  Report(const Options& options, std::size_t messages, const ContestFigures& figures)
      : options_(options), messages_(messages), figures_(figures) {}

  void print_table() const {
    std::printf("order book: %s, %zu messages, replayed %llu times; the least of %llu interleaved runs\n",
                source().c_str(), messages_, count(figures_.repeat), count(options_.runs));
    std::printf("\n%-38s %15s %15s %9s\n", "", "std::allocator", "flux::Allocator", "std/flux");
    print_rows("first replay", phase_rows(figures_.standard.first, figures_.flux.first));
    if (figures_.repeat > 1)
      print_rows("warm: replays on the same book", phase_rows(figures_.standard.warm, figures_.flux.warm));
    print_rows("both", common_rows());
    const Tally& tally = figures_.flux.tally;
    std::printf(
        "\nThe books are the same: %llu orders in the end; %llu messages applied, %llu without an order,\n"
        "%llu that touch no book, %llu duplicates.\n",
        count(figures_.flux.orders), count(tally.applied), count(tally.unknown), count(tally.untouched),
        count(tally.duplicate));
    std::printf(
        "std/flux: how many times less flux::Allocator takes (messages per second: how many times more).\n"
        "Times per message come from runs of their own, with a clock read of %.0f ns in each; memory is\n"
        "what the process wrote beyond what it had before the first message.\n",
        figures_.clock_ns);
  }

  /// The JSON object, with a line feed at its end.
  std::string as_json() const {
    std::string text = "{\n  \"program\": \"flux_orderbook\",\n  \"source\": " + quoted(source());
    append(text, "messages", static_cast<double>(messages_));
    append(text, "repeat", static_cast<double>(figures_.repeat));
    append(text, "runs", static_cast<double>(options_.runs));
    append(text, "clock_ns", figures_.clock_ns);
    append(text, "orders", static_cast<double>(figures_.flux.orders));
    append(text, "applied", static_cast<double>(figures_.flux.tally.applied));
    append(text, "unknown", static_cast<double>(figures_.flux.tally.unknown));
    append(text, "untouched", static_cast<double>(figures_.flux.tally.untouched));
    append(text, "duplicate", static_cast<double>(figures_.flux.tally.duplicate));
    text += ",\n  \"same_book\": true";
    text += ",\n  \"first\": " + json(phase_rows(figures_.standard.first, figures_.flux.first));
    text += ",\n  \"warm\": ";
    text += figures_.repeat > 1 ? json(phase_rows(figures_.standard.warm, figures_.flux.warm)) : "null";
    text += ",\n  \"both\": " + json(common_rows()) + "\n}\n";
    return text;
  }

 private:
  using Rows = std::vector<ReportRow>;

  static unsigned long long count(std::uint64_t value) noexcept { return value; }

  std::string source() const {
    return options_.file.empty() ? "generated flow, seed " + std::to_string(options_.seed) : options_.file;
  }

  Rows phase_rows(const PhaseFigures& standard, const PhaseFigures& flux) const {
    const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
    const auto mean = [&](const PhaseFigures& phase) {
      return number(phase.nanoseconds) / number(phase.messages);
    };
    const auto least = [&](const PhaseFigures& phase) { return number(phase.fastest) / number(messages_); };
    return {
        {"messages_per_second", "messages per second", 1e9 / mean(standard), 1e9 / mean(flux), true},
        {"ns_per_message", "ns per message, mean", mean(standard), mean(flux)},
        {"fastest_ns_per_message", "ns per message, fastest replay", least(standard), least(flux)},
        {"p50_ns", "ns per message, p50", number(standard.p50), number(flux.p50)},
        {"p99_ns", "ns per message, p99", number(standard.p99), number(flux.p99)},
        {"p999_ns", "ns per message, p99.9", number(standard.p999), number(flux.p999)},
        {"max_ns", "ns per message, max", number(standard.max), number(flux.max)},
        {"minor_faults", "page faults, minor", number(standard.faults.minor), number(flux.faults.minor)},
        {"major_faults", "page faults, major", number(standard.faults.major), number(flux.faults.major)},
    };
  }

  Rows common_rows() const {
    return {{"peak_memory_kib", "peak resident memory, KiB",
             static_cast<double>(figures_.standard.memory_kib),
             static_cast<double>(figures_.flux.memory_kib)}};
  }

  static void print_rows(const char* title, const Rows& rows) {
    std::printf("%s\n", title);
    for (const ReportRow& row : rows) {
      const int digits = std::string_view(row.key).ends_with("ns_per_message") ? 1 : 0;
      std::printf("  %-36s %15.*f %15.*f ", row.label, digits, row.standard, digits, row.flux);
      if (row.ratio() > 0)
        std::printf("%9.2f\n", row.ratio());
      else
        std::printf("%9s\n", "-");
    }
  }

  static std::string json(const Rows& rows) {
    std::string text = "{";
    for (const ReportRow& row : rows) {
      text += text.size() > 1 ? ",\n    \"" : "\n    \"";
      text += std::string(row.key) + "\": {\"std\": " + number(row.standard) +
              ", \"flux\": " + number(row.flux) +
              ", \"ratio\": " + (row.ratio() > 0 ? number(row.ratio()) : "null") + "}";
    }
    return text + "\n  }";
  }

  static void append(std::string& text, const char* key, double value) {
    text += ",\n  \"" + std::string(key) + "\": " + number(value);
  }

  static std::string number(double value) {
    std::array<char, 64> buffer;
    std::snprintf(buffer.data(), buffer.size(),
                  value == static_cast<double>(static_cast<long long>(value)) ? "%.0f" : "%.4f", value);
    return buffer.data();
  }

  /// A JSON string. File names are bytes: those beyond ASCII pass as they are.
  static std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char letter : text) {
      std::array<char, 8> escape;
      if (letter == '"' || letter == '\\') {
        result += {'\\', letter};
      } else if (static_cast<unsigned char>(letter) < ' ') {
        std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(letter));
        result += escape.data();
      } else {
        result += letter;
      }
    }
    return result + "\"";
  }

  const Options& options_;
  std::size_t messages_;
  const ContestFigures& figures_;
};

}  // namespace orderbook
