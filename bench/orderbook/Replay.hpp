#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "Latencies.hpp"
#include "Message.hpp"
#include "OrderBook.hpp"
#include "ProcessUsage.hpp"

namespace orderbook {

/// What some messages cost.
struct PhaseFigures {
  std::uint64_t messages = 0;
  std::uint64_t nanoseconds = 0;  ///< in all, without clock reads in between
  std::uint64_t fastest = 0;      ///< the least of a replay, for machines that others use as well
  PageFaults faults;
  // per message, nanoseconds; each includes one clock read
  std::uint64_t p50 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t p999 = 0;
  std::uint64_t max = 0;
};

/// What a process learned of one allocator.
struct ReplayFigures {
  PhaseFigures first;           ///< the first replay, in a process that has not used the allocator before
  PhaseFigures warm;            ///< all later ones
  std::int64_t memory_kib = 0;  ///< at most, above that before the first message
  std::uint64_t orders = 0;     ///< at rest in the end
  std::uint64_t digest = 0;     ///< of the book at the end of each replay
  Tally tally;
};

/// Replays a flow through one book of one allocator, and measures.
///
/// A replay is a session: it begins with an empty book, and at its end the orders that still rest expire.
/// (Were they kept, every replay would add its few hundred; soon they would stand at every price, and no new
/// order would open a level, as two thirds do in the recording.) The book itself lives on, with its heap and
/// the buckets of its index, and ids never repeat: those of the n-th replay are shifted by n times the
/// highest.
template <class Alloc>
class Replay {
 public:
  /// `messages` must outlive this object.
  explicit Replay(std::span<const Message> messages) : messages_(messages) {
    for (const Message& message : messages)  // all of them are in memory before time is taken
      shift_ = std::max(shift_, message.id);
    ++shift_;
  }

  /// Times whole replays, `repeat` of them, and counts page faults and memory.
  ReplayFigures run_whole(std::size_t repeat) {
    return run(repeat, [this](Book& book, std::size_t, OrderId shift) {
      for (const Message& message : messages_) book.apply(with_shifted_id(message, shift));
    });
  }

  /// Times every message by itself.
  ReplayFigures run_each(std::size_t repeat) {
    Latencies first;
    Latencies warm;
    ReplayFigures figures = run(repeat, [&, this](Book& book, std::size_t number, OrderId shift) {
      Latencies& latencies = number == 0 ? first : warm;
      Clock::time_point before = Clock::now();
      for (const Message& message : messages_) {
        book.apply(with_shifted_id(message, shift));
        const Clock::time_point after = Clock::now();
        latencies.record(nanoseconds(after - before));
        before = after;
      }
    });
    summarise(first, figures.first);
    summarise(warm, figures.warm);
    return figures;
  }

 private:
  using Book = OrderBook<Alloc>;
  using Clock = std::chrono::steady_clock;

  template <class Play>
  ReplayFigures run(std::size_t repeat, Play play) {
    ReplayFigures figures;
    const std::int64_t memory_before = private_memory_kib();
    Book book;
    for (std::size_t number = 0; number < repeat; ++number) {
      PhaseFigures& phase = number == 0 ? figures.first : figures.warm;
      const std::uint64_t time_before = phase.nanoseconds;
      measure(phase, [&] { play(book, number, number * shift_); });
      figures.memory_kib = std::max(figures.memory_kib, private_memory_kib() - memory_before);
      figures.digest = figures.digest * 31 + book.digest();
      figures.orders = book.size();
      measure(phase, [&] { book.close_session(); });
      const std::uint64_t time = phase.nanoseconds - time_before;
      phase.fastest = phase.messages == 0 ? time : std::min(phase.fastest, time);
      phase.messages += messages_.size();
    }
    figures.tally = book.tally();
    return figures;
  }

  template <class Work>
  static void measure(PhaseFigures& phase, Work work) {
    const PageFaults faults = PageFaults::now();
    const Clock::time_point start = Clock::now();
    work();
    phase.nanoseconds += nanoseconds(Clock::now() - start);
    phase.faults += PageFaults::now() - faults;
  }

  static std::uint64_t nanoseconds(Clock::duration duration) noexcept {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count());
  }

  static void summarise(const Latencies& latencies, PhaseFigures& phase) noexcept {
    phase.p50 = latencies.quantile(500);
    phase.p99 = latencies.quantile(990);
    phase.p999 = latencies.quantile(999);
    phase.max = latencies.max();
  }

  std::span<const Message> messages_;
  OrderId shift_ = 0;  ///< may wrap around: sessions do not overlap
};

/// What one clock read costs: the least of the averages of some batches, in nanoseconds.
inline double clock_cost() noexcept {
  using Clock = std::chrono::steady_clock;
  constexpr int kReads = 1000;
  Clock::duration least = Clock::duration::max();
  for (int batch = 0; batch < 20; ++batch) {
    const Clock::time_point start = Clock::now();
    for (int read = 1; read < kReads; ++read) static_cast<void>(Clock::now());
    least = std::min(least, Clock::now() - start);
  }
  return std::chrono::duration<double, std::nano>(least).count() / kReads;
}

}  // namespace orderbook
