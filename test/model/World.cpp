#include "World.hpp"

#include <cstring>
#include <utility>

namespace model {

void World::begin() {
  locations_.clear();
  plains_.clear();
  locals_.clear();
  events_.clear();
  for (Thread& thread : threads_) {
    std::vector<std::byte> locals = std::move(thread.locals);
    locals.clear();
    thread = Thread{};
    thread.locals = std::move(locals);
  }
  self_ = 0;
  count_ = 0;
  preemptions_ = 0;
  most_preemptions_ = kNoBound;
  is_starting_ = is_running_ = is_free_ = has_failed_spuriously_ = false;
}

void World::run(std::vector<std::function<void()>> threads) {
  count_ = threads.size();
  is_running_ = is_starting_ = true;
  tick();
  for (std::size_t t = 1; t <= count_; ++t) {
    prepare(fibers_[t], std::move(threads[t - 1]));
    threads_[t].clock = threads_[0].clock;
    threads_[t].locals = threads_[0].locals;
    switch_to(t);
  }
  is_starting_ = false;
  schedule();
  is_running_ = false;
  for (std::size_t t = 1; t <= count_; ++t) threads_[0].clock.join(threads_[t].clock);
}

void World::prepare(Fiber& fiber, std::function<void()> body) {
  if (fiber.stack == nullptr) fiber.stack = std::make_unique<std::byte[]>(Fiber::kBytes);
  fiber.body = std::move(body);
  ::getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = Fiber::kBytes;
  fiber.context.uc_link = nullptr;
  ::makecontext(&fiber.context, fiber_main, 0);
}

void World::fiber_main() {
  world.fibers_[world.self_].body();
  world.self().kind = Kind::kEnd;
  if (world.is_starting_) world.switch_to(0);
  world.schedule();
}

void World::keep_apart(void* variable, std::size_t bytes) {
  auto* const begin = static_cast<std::byte*>(variable);
  locals_.push_back({begin, bytes});
  threads_[0].locals.insert(threads_[0].locals.end(), begin, begin + bytes);
}

void World::switch_to(std::size_t thread) {
  if (thread == self_) return;
  const std::size_t before = std::exchange(self_, thread);
  std::size_t at = 0;
  for (const Local& local : locals_) {
    std::memcpy(threads_[before].locals.data() + at, local.variable, local.bytes);
    std::memcpy(local.variable, threads_[thread].locals.data() + at, local.bytes);
    at += local.bytes;
  }
  ::swapcontext(&fibers_[before].context, &fibers_[thread].context);
}

std::size_t World::choose(std::size_t count) {
  if (count < 2 || !is_running_ || is_free_) return 0;
  return choices.choose(count);
}

std::uint64_t World::changes_of_others(std::size_t thread) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t t = 1; t <= count_; ++t) sum += t == thread ? 0 : threads_[t].changes;
  return sum;
}

bool World::is_blocked(std::size_t thread) const noexcept {
  const Thread& it = threads_[thread];
  return it.kind == Kind::kYield && !it.has_read_stale && it.others_changes == changes_of_others(thread);
}

/// Whether the order of what two threads are about to do makes a difference.
bool World::depend(const Thread& one, const Thread& other) const noexcept {
  if (one.kind == Kind::kYield) return other.kind == Kind::kWrite;
  if (other.kind == Kind::kYield) return one.kind == Kind::kWrite;
  return one.address == other.address && (one.kind == Kind::kWrite || other.kind == Kind::kWrite);
}

/// Goes on with a thread that may go on: in all ways, one an execution. Returns in the calling thread when its turn
/// comes.
void World::schedule() {
  std::array<std::size_t, kThreads> candidates{};
  std::size_t count = 0, sleeping = 0, ended = 0;
  const auto consider = [&](std::size_t t) {
    if (threads_[t].kind == Kind::kEnd) {
      ++ended;
    } else if (is_blocked(t)) {
      return;
    } else if (threads_[t].is_asleep && !is_free_) {
      ++sleeping;
    } else {
      candidates[count++] = t;
    }
  };
  if (self_ != 0) consider(self_);
  for (std::size_t t = 1; t <= count_; ++t)
    if (t != self_) consider(t);
  if (ended == count_) return switch_to(0);
  if (count == 0 && sleeping != 0) {
    is_free_ = true;
    return schedule();
  }
  if (count == 0) fail("nobody can go on", {"?", 0});

  const bool is_bounded = most_preemptions_ != kNoBound;
  const bool could_go_on = candidates[0] == self_ && self().kind != Kind::kYield;
  if (could_go_on && preemptions_ == most_preemptions_) count = 1;
  const std::size_t chosen = choose(count);
  const std::size_t next = candidates[chosen];
  if (could_go_on && chosen != 0) ++preemptions_;
  for (std::size_t i = 0; i != chosen && !is_bounded; ++i) threads_[candidates[i]].is_asleep = true;
  for (std::size_t t = 1; t <= count_; ++t)
    if (depend(threads_[t], threads_[next])) threads_[t].is_asleep = false;
  switch_to(next);
}

void World::announce(Kind kind, const void* address, Site site) {
  if (!is_running_) return;
  if (self_ == 0) fail("the program works beside its threads", site);
  self().kind = kind;
  self().address = address;
  if (is_starting_) return switch_to(0);
  schedule();
}

void World::yield(Site site) {
  if (!is_running_) fail("waits for ever", site);
  announce(Kind::kYield, nullptr, site);
  self().others_changes = changes_of_others(self_);
  self().has_read_stale = false;
  self().reads_newest = true;
}

}  // namespace model
