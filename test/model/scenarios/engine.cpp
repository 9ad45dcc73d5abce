// The model checker itself: small programs whose outcomes the standard tells.
#include "../Scenario.hpp"

namespace {

using model::Atomic;
using model::Data;
using model::outcome;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

/// One thread writes x and then y, another reads y and then x.
void pass_a_message(model::Order write, model::Order read) {
  Atomic<int> x{0}, y{0};
  int a = 0, b = 0;
  model::threads(
      [&] {
        x.store(1, relaxed);
        y.store(1, write);
      },
      [&] {
        a = y.load(read);
        b = x.load(relaxed);
      });
  outcome(a, b);
}

MODEL_SCENARIO(engine_messages_that_are_passed_arrive, "00 01 11") { pass_a_message(release, acquire); }
MODEL_SCENARIO(engine_messages_need_a_release, "00 01 10 11") { pass_a_message(relaxed, acquire); }
MODEL_SCENARIO(engine_messages_need_an_acquire, "00 01 10 11") { pass_a_message(release, relaxed); }

/// Each thread writes one and reads the other.
void store_and_load(model::Order order) {
  Atomic<int> x{0}, y{0};
  int a = 0, b = 0;
  model::threads(
      [&] {
        x.store(1, order == seq_cst ? seq_cst : release);
        a = y.load(order);
      },
      [&] {
        y.store(1, order == seq_cst ? seq_cst : release);
        b = x.load(order);
      });
  outcome(a, b);
}

MODEL_SCENARIO(engine_stores_are_buffered, "00 01 10 11") { store_and_load(acquire); }
MODEL_SCENARIO(engine_sequentially_consistent_stores_are_not, "01 10 11") { store_and_load(seq_cst); }

MODEL_SCENARIO(engine_reads_of_one_location_do_not_go_back, "00 01 02 11 12 22") {
  Atomic<int> x{0};
  int a = 0, b = 0;
  model::threads(
      [&] {
        x.store(1, relaxed);
        x.store(2, relaxed);
      },
      [&] {
        a = x.load(relaxed);
        b = x.load(relaxed);
      });
  outcome(a, b);
}

/// What was read comes before, also for who is told of it.
MODEL_SCENARIO(engine_reads_of_one_location_do_not_go_back_on_another_thread, "00 01 11") {
  Atomic<int> x{0}, y{0};
  int a = 0, b = 0;
  bool is_told = false;
  model::threads([&] { x.store(1, relaxed); },
                 [&] {
                   a = x.load(relaxed);
                   y.store(1, release);
                 },
                 [&] {
                   is_told = y.load(acquire) == 1;
                   b = x.load(relaxed);
                 });
  if (is_told) outcome(a, b);
}

MODEL_SCENARIO(engine_read_modify_writes_continue_a_release_sequence, "00 11 21") {
  Atomic<int> y{0};
  Data<int> x{0};
  int a = 0, b = 0;
  model::threads(
      [&] {
        x.set(1);
        y.store(1, release);
      },
      [&] {
        int one = 1;
        y.compare_exchange_strong(one, 2, relaxed);
      },
      [&] {
        a = y.load(acquire);
        if (a != 0) b = x.get();
      });
  outcome(a, b);
}

MODEL_SCENARIO(engine_read_modify_writes_read_the_newest, "01 10") {
  Atomic<int> x{0};
  int a = 0, b = 0;
  model::threads([&] { a = x.fetch_add(1, relaxed); }, [&] { b = x.fetch_add(1, relaxed); });
  outcome(a, b);
}

MODEL_SCENARIO(engine_a_weak_exchange_may_fail_and_a_strong_one_not, "01 11") {
  Atomic<int> x{0};
  int zero = 0, one = 1;
  bool weak = false, strong = false;
  model::threads([&] {
    weak = x.compare_exchange_weak(zero, 1, acq_rel);
    if (!weak) x.store(1, relaxed);
    strong = x.compare_exchange_strong(one, 2, acq_rel);
  });
  outcome(weak ? 1 : 0, strong ? 1 : 0);
}

/// A comparison that fails is a load, and may have read what is old.
MODEL_SCENARIO(engine_a_failed_comparison_may_be_stale, "00 01 11") {
  Atomic<int> x{0};
  int b = 0;
  bool is_done = false;
  model::threads([&] { x.store(1, relaxed); },
                 [&] {
                   int one = 1;
                   is_done = x.compare_exchange_strong(one, 2, relaxed);
                   b = x.load(relaxed) != 0 ? 1 : 0;
                 });
  outcome(is_done ? 1 : 0, b);
}

MODEL_SCENARIO(engine_who_waits_goes_on_when_something_changes, "11") {
  Atomic<int> x{0}, y{0};
  model::threads([&] { x.store(1, relaxed); },
                 [&] {
                   while (x.load(relaxed) == 0) model::world.yield({"engine", 0});
                   y.store(1, relaxed);
                 },
                 [&] {
                   while (y.load(relaxed) == 0) model::world.yield({"engine", 0});
                 });
  outcome(x.load(), y.load());
}

}  // namespace
