// flux_orderbook: order flow through a limit order book over std::allocator and flux::Allocator, side by
// side.

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "Contest.hpp"
#include "FlowMix.hpp"
#include "Message.hpp"
#include "Options.hpp"
#include "Report.hpp"

namespace {

enum ExitCode : int { kDone = 0, kFailed = 1, kWrongUsage = 2 };

void print_mix(const orderbook::FlowMix& mix) {
  std::printf(
      "messages: new %.3f, partial cancel %.3f, delete %.3f, execution %.3f (in full %.3f), hidden %.3f\n",
      mix.new_share, mix.cancel_share, mix.delete_share, mix.execution_share, mix.full_execution_share,
      mix.hidden_share);
  std::printf(
      "cents behind the best: less than 0 %.3f, 0 %.3f, to 5 %.3f, to 20 %.3f, to 100 %.3f, more %.3f\n",
      mix.better_share, mix.at_best_share, mix.within_5_share, mix.within_20_share, mix.within_100_share,
      mix.beyond_share);
  std::printf("new orders: first at their price %.3f, of 100 shares %.3f, of round lots %.3f\n",
              mix.new_level_share, mix.hundred_share, mix.round_lot_share);
  std::printf("lives in messages: median %.0f, p90 %.0f, p99 %.0f\n", mix.life_median, mix.life_p90,
              mix.life_p99);
  std::printf("on average: %.0f orders at %.0f levels; median spread %.0f cents\n", mix.resting_orders,
              mix.levels, mix.spread_median);
}

/// The file that the report goes to as well, opened before the work that it reports.
class JsonFile {
 public:
  explicit JsonFile(const std::string& path) {
    if (path.empty()) return;
    file_.reset(std::fopen(path.c_str(), "w"));
    if (file_ == nullptr) throw std::system_error(errno, std::generic_category(), path);
  }

  /// Throws std::system_error when it does not arrive whole.
  void write(const orderbook::Report& report) const {
    if (file_ == nullptr) return;
    if (std::fputs(report.as_json().c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0)
      throw std::system_error(errno, std::generic_category(), "writing the JSON file");
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

int run(const orderbook::Options& options) {
  const JsonFile json_file(options.json_file);
  const std::optional<std::vector<orderbook::Message>> messages = orderbook::load_flow(options);
  if (!messages) return kFailed;
  if (options.wants_mix) {
    print_mix(orderbook::FlowMeter::measure(*messages));
    return kDone;
  }
  const std::optional<orderbook::ContestFigures> figures = orderbook::Contest(*messages, options).run();
  if (!figures) return kFailed;
  const orderbook::Report report(options, messages->size(), *figures);
  report.print_table();
  json_file.write(report);
  return std::fflush(stdout) == 0 ? kDone : kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    orderbook::Options options;
    const std::span<const char* const> arguments(argv, static_cast<std::size_t>(argc));
    if (const std::string error = options.parse(arguments.subspan(argc > 0 ? 1 : 0)); !error.empty()) {
      std::fprintf(stderr, "flux_orderbook: %s; --help says more\n", error.c_str());
      return kWrongUsage;
    }
    if (options.wants_help) {
      std::fputs(orderbook::Options::kHelp, stdout);
      return kDone;
    }
    return run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flux_orderbook: %s\n", error.what());
    return kFailed;
  }
}
