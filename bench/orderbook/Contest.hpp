#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <flux/Allocator.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "ChildProcess.hpp"
#include "FlowGenerator.hpp"
#include "LobsterFile.hpp"
#include "Message.hpp"
#include "Options.hpp"
#include "OrderBook.hpp"
#include "Replay.hpp"

namespace orderbook {

using StdAlloc = std::allocator<std::byte>;
using FluxAlloc = flux::Allocator<std::byte>;

/// The figures of both allocators: of each the least over all runs.
struct ContestFigures {
  ReplayFigures standard;
  ReplayFigures flux;
  double clock_ns = 0;  ///< what one clock read costs
  std::uint64_t repeat = 0;
};

/// Reads or generates the flow that the options name. Returns nothing when that failed; why is on stderr
/// then. Works in a child, so that this process's heap stays as good as unused for those that are measured.
inline std::optional<std::vector<Message>> load_flow(const Options& options) {
  ChildProcess child([&](const ResultPipe& pipe) {
    std::vector<Message> messages;
    if (options.file.empty()) {
      messages = FlowGenerator(options.seed).generate(options.generate);
    } else {
      LobsterFile file = LobsterFile::read(options.file);
      if (file.error()) {
        std::fprintf(stderr, "%s\n", file.error()->message().c_str());
        return 1;
      }
      messages = file.messages();
    }
    pipe.write(messages.size());
    pipe.write(messages.data(), messages.size() * sizeof(Message));
    return 0;
  });
  std::size_t count = 0;
  std::vector<Message> messages;
  bool is_whole = child.read(count);
  if (is_whole) {
    messages.resize(count);
    is_whole = child.read(messages.data(), count * sizeof(Message));
  }
  const int code = child.wait();
  if (code > 1) std::fprintf(stderr, "flux_orderbook: loading the messages ended with exit code %d\n", code);
  if (code != 0 || !is_whole) return std::nullopt;
  return messages;
}

/// Replays one flow over both allocators, run by run in turn, each run in a process of its own.
class Contest {
 public:
  /// `messages` must outlive this object. There is at least one.
  Contest(std::span<const Message> messages, const Options& options)
      : messages_(messages), runs_(options.runs), is_single_threaded_(wants_single_thread()) {
    figures_.repeat = options.repeat_for(messages.size());
  }

  /// Nothing when the books differ or a process failed; why is on stderr then. Throws std::system_error when
  /// the system refuses processes.
  std::optional<ContestFigures> run() {
    figures_.clock_ns = clock_cost();
    std::fprintf(stderr, "comparing the books order by order\n");
    if (!books_are_same()) return std::nullopt;
    for (std::uint64_t number = 1; number <= runs_; ++number) {
      if (!add_run<StdAlloc>(number, "std::allocator", figures_.standard)) return std::nullopt;
      if (!add_run<FluxAlloc>(number, "flux::Allocator", figures_.flux)) return std::nullopt;
      if (!digests_are_same()) return std::nullopt;
      std::fprintf(stderr, "run %llu of %llu: best so far %.1f and %.1f ns a message\n",
                   static_cast<unsigned long long>(number), static_cast<unsigned long long>(runs_),
                   ns_per_message(figures_.standard), ns_per_message(figures_.flux));
    }
    return figures_;
  }

 private:
  static bool wants_single_thread() noexcept { return std::getenv("FLUX_BENCH_SINGLE_THREADED") != nullptr; }

  double ns_per_message(const ReplayFigures& figures) const noexcept {
    const PhaseFigures& phase = figures.warm.messages != 0 ? figures.warm : figures.first;
    return static_cast<double>(phase.fastest) / static_cast<double>(messages_.size());
  }

  /// Replays twice over both allocators in one process and compares every order.
  bool books_are_same() const {
    ChildProcess child([this](const ResultPipe&) {
      OrderBook<StdAlloc> standard;
      OrderBook<FluxAlloc> flux;
      for (const OrderId shift : {OrderId{0}, OrderId{1} << 62U}) {
        for (const Message& message : messages_) {
          standard.apply(with_shifted_id(message, shift));
          flux.apply(with_shifted_id(message, shift));
        }
        std::string difference = first_difference(standard, flux);
        if (difference.empty() && !(standard.is_valid() && flux.is_valid())) difference = "a book is invalid";
        if (!difference.empty()) {
          std::fprintf(stderr, "flux_orderbook: the books differ: %s\n", difference.c_str());
          return 1;
        }
        standard.close_session();
        flux.close_session();
      }
      return 0;
    });
    return has_succeeded(child, "comparing the books");
  }

  /// One process for the throughput, one for the single messages.
  template <class Alloc>
  bool add_run(std::uint64_t number, const char* name, ReplayFigures& best) const {
    ReplayFigures whole;
    ReplayFigures each;
    const auto measure = [&](bool is_each, ReplayFigures& figures) {
      ChildProcess child([&](const ResultPipe& pipe) {
        become_threaded();
        Replay<Alloc> replay(messages_);
        pipe.write(is_each ? replay.run_each(figures_.repeat) : replay.run_whole(figures_.repeat));
        return 0;
      });
      const bool is_read = child.read(figures);
      return has_succeeded(child, name) && is_read;
    };
    if (!measure(false, whole) || !measure(true, each)) return false;
    take_latencies(each.first, whole.first);
    take_latencies(each.warm, whole.warm);
    if (number == 1)
      best = whole;
    else if (whole.digest != best.digest)
      return has_differed();
    take_least(whole, best);
    return each.digest == whole.digest || has_differed();
  }

  bool digests_are_same() const noexcept {
    return figures_.standard.digest == figures_.flux.digest || has_differed();
  }

  static bool has_differed() noexcept {
    std::fprintf(stderr, "flux_orderbook: the books at the end of the replays differ\n");
    return false;
  }

  static bool has_succeeded(ChildProcess& child, const char* what) noexcept {
    const int code = child.wait();
    if (code > 128) std::fprintf(stderr, "flux_orderbook: %s: ended by signal %d\n", what, code - 128);
    return code == 0;
  }

  /// A process that has had a second thread, as programs around order books have: before that, glibc's malloc
  /// leaves its locks and atomics out. FLUX_BENCH_SINGLE_THREADED in the environment measures that state.
  void become_threaded() const {
    if (!is_single_threaded_) std::thread([] {}).join();
  }

  static void take_latencies(const PhaseFigures& from, PhaseFigures& to) noexcept {
    to.p50 = from.p50;
    to.p99 = from.p99;
    to.p999 = from.p999;
    to.max = from.max;
  }

  static void take_least(const PhaseFigures& run, PhaseFigures& best) noexcept {
    best.nanoseconds = std::min(best.nanoseconds, run.nanoseconds);
    best.fastest = std::min(best.fastest, run.fastest);
    best.faults.minor = std::min(best.faults.minor, run.faults.minor);
    best.faults.major = std::min(best.faults.major, run.faults.major);
    best.p50 = std::min(best.p50, run.p50);
    best.p99 = std::min(best.p99, run.p99);
    best.p999 = std::min(best.p999, run.p999);
    best.max = std::min(best.max, run.max);
  }

  static void take_least(const ReplayFigures& run, ReplayFigures& best) noexcept {
    take_least(run.first, best.first);
    take_least(run.warm, best.warm);
    best.memory_kib = std::min(best.memory_kib, run.memory_kib);
  }

  std::span<const Message> messages_;
  std::uint64_t runs_;
  bool is_single_threaded_;
  ContestFigures figures_;
};

}  // namespace orderbook
