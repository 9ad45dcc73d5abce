// A program of nodes, 3: an event scheduler with timers. 20,000 sessions, each with one timer in a multimap by time; an
// event hands its session's oldest message on, gets a new one or two (until there are four) and sets the next timer;
// one in four events cancels the timer of another session and sets it anew. Time per event.

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {
namespace {

class Scheduler {
 public:
  explicit Scheduler(std::size_t sessions) : sessions_(sessions) {
    for (std::uint32_t i = 0; i < sessions; ++i) set_timer(i);
  }

  /// The next event; the work it did.
  std::size_t step() {
    const auto first = timers_.begin();
    now_ = first->first;
    const std::uint32_t number = first->second;
    timers_.erase(first);
    Session& session = sessions_[number];
    if (!session.messages.empty()) session.messages.pop_front();
    for (std::size_t n = random_.below(2); session.messages.size() < 4; --n) {
      session.messages.push_back(std::allocate_shared<Message>(Allocator<Message>{}, now_));
      if (n == 0) break;
    }
    set_timer(number);
    if (random_.below(4) == 0) {
      const auto other = static_cast<std::uint32_t>(random_.below(sessions_.size()));
      timers_.erase(sessions_[other].timer);
      set_timer(other);
    }
    return session.messages.size();
  }

 private:
  using Time = std::uint64_t;
  struct Message {
    explicit Message(Time at) : sent(at) {}

    Time sent;
    std::uint64_t words[5] = {};
  };
  using Timers =
      std::multimap<Time, std::uint32_t, std::less<Time>, Allocator<std::pair<const Time, std::uint32_t>>>;
  struct Session {
    std::list<std::shared_ptr<Message>, Allocator<std::shared_ptr<Message>>> messages;
    Timers::iterator timer;
  };

  void set_timer(std::uint32_t number) {
    sessions_[number].timer = timers_.emplace(now_ + 1 + random_.below(1'000'000), number);
  }

  Time now_ = 0;
  Timers timers_;
  std::vector<Session> sessions_;
  Random random_;
};

void event_scheduler(benchmark::State& state) {
  constexpr std::size_t kEvents = 2'000;
  const std::size_t sessions = scaled(20'000);
  Scheduler scheduler(sessions);
  for (std::size_t i = 0; i < 10 * sessions; ++i) benchmark::DoNotOptimize(scheduler.step());  // as it stays
  for (auto _ : counted(state)) {
    std::size_t work = 0;
    for (std::size_t i = 0; i < kEvents; ++i) work += scheduler.step();
    benchmark::DoNotOptimize(work);
  }
  report(state, kEvents);
}

BENCHMARK(event_scheduler);

}  // namespace
}  // namespace bench
