#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace orderbook {

/// What the user asked for.
struct Options {
  static constexpr std::uint64_t kUsualMessages = 5'000'000;  ///< replayed in all, unless told otherwise
  static constexpr std::uint64_t kMostReplays =
      1'000;  ///< by itself: each is looked at besides, for its memory

  std::string file;       ///< empty: generate
  std::string json_file;  ///< empty: none
  std::uint64_t generate = 100'000;
  std::uint64_t repeat = 0;  ///< 0: enough for kUsualMessages, or kMostReplays
  std::uint64_t runs = 5;
  std::uint64_t seed = 1;
  bool wants_mix = false;
  bool wants_help = false;

  std::uint64_t repeat_for(std::size_t messages) const noexcept {
    if (repeat != 0) return repeat;
    const std::uint64_t enough = (kUsualMessages + messages - 1) / messages;
    return std::clamp<std::uint64_t>(enough, 2, kMostReplays);
  }

  static constexpr const char* kHelp =
      "flux_orderbook: replays order flow through a limit order book over std::allocator and over\n"
      "flux::Allocator, checks that both end with the same book, and reports what each took.\n"
      "\n"
      "  --messages FILE  replay a LOBSTER message file (default: a generated flow)\n"
      "  --generate N     length of the generated flow, in messages (default: 100000)\n"
      "  --seed S         seed of the generated flow (default: 1)\n"
      "  --repeat K       replays in one run (default: as many as make 5000000 messages, 2 to 1000)\n"
      "  --runs R         runs of each allocator, interleaved; the least of each figure counts (default: 5)\n"
      "  --json FILE      write the report to a file as well, as one JSON object\n"
      "  --mix            print what the flow is made of, and replay nothing\n"
      "  --help           print this\n"
      "\n"
      "Exit code 0: done; 1: malformed input, or the books differ; 2: wrong usage.\n";

  /// Reads the arguments after the program's name. Returns what is wrong with them, or nothing.
  std::string parse(std::span<const char* const> arguments) {
    bool has_generate = false;
    for (std::size_t at = 0; at < arguments.size(); ++at) {
      std::string_view name = arguments[at];
      if (take_flag(name)) continue;
      const std::size_t equals = name.find('=');
      const bool is_joined = equals != std::string_view::npos;
      const std::string_view joined = is_joined ? name.substr(equals + 1) : std::string_view();
      name = name.substr(0, equals);
      std::string* const path = path_of(name);
      std::uint64_t* const number = number_of(name);
      if (path == nullptr && number == nullptr)
        return "unknown argument \"" + std::string(arguments[at]) + "\"";
      if (!is_joined && at + 1 == arguments.size()) return std::string(name) + " lacks its value";
      const std::string_view value = is_joined ? joined : arguments[++at];
      has_generate = has_generate || number == &generate;
      if (path != nullptr)
        *path = value;
      else if (std::string error = read(name, value, *number); !error.empty())
        return error;
      if (path != nullptr && path->empty()) return std::string(name) + " lacks its value";
    }
    return has_generate && !file.empty() ? "--messages and --generate exclude each other" : std::string();
  }

 private:
  static constexpr std::uint64_t kMost = 100'000'000;

  bool take_flag(std::string_view name) noexcept {
    bool* const flag = name == "--mix"                    ? &wants_mix
                       : name == "--help" || name == "-h" ? &wants_help
                                                          : nullptr;
    if (flag != nullptr) *flag = true;
    return flag != nullptr;
  }

  std::string* path_of(std::string_view name) noexcept {
    if (name == "--messages") return &file;
    if (name == "--json") return &json_file;
    return nullptr;
  }

  std::uint64_t* number_of(std::string_view name) noexcept {
    if (name == "--generate") return &generate;
    if (name == "--repeat") return &repeat;
    if (name == "--runs") return &runs;
    if (name == "--seed") return &seed;
    return nullptr;
  }

  /// A seed may be any number of 64 bits; the others are 1 to kMost.
  std::string read(std::string_view name, std::string_view text, std::uint64_t& value) const {
    const char* const end = text.data() + text.size();
    std::uint64_t number = 0;
    const auto [rest, code] = std::from_chars(text.data(), end, number);
    const bool is_seed = &value == &seed;
    if (code != std::errc{} || rest != end || (!is_seed && (number == 0 || number > kMost)))
      return std::string(name) + ": \"" + std::string(text) + "\" is not a whole number" +
             (is_seed ? " of 64 bits" : " from 1 to " + std::to_string(kMost));
    value = number;
    return {};
  }
};

}  // namespace orderbook
