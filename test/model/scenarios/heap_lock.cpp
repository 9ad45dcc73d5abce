// The lock of a thread heap: its owner, who waits for it, and threads from outside, who do without.
#include "../Begin.hpp"

#include <flux/detail/heap/HeapLock.hpp>

#include "../End.hpp"

namespace {

using flux::detail::HeapLock;
using flux::detail::HeapLockGuard;

// What the lock guards: a number that grows by one under it.
struct Guarded {
  HeapLock lock;
  model::Data<int> number{0};

  void own() {
    const HeapLockGuard guard(lock);
    number.set(number.get() + 1);
  }

  /// Whether it was free.
  bool visit() {
    if (!lock.try_lock_from_outside()) return false;
    number.set(number.get() + 1);
    lock.unlock();
    return true;
  }
};

MODEL_SCENARIO(heap_lock_an_owner_against_an_outsider) {
  Guarded guarded;
  int visits = 0;
  model::threads(
      [&] {
        guarded.own();
        guarded.own();
      },
      [&] {
        visits += guarded.visit() ? 1 : 0;
        visits += guarded.visit() ? 1 : 0;
      });
  model::check(guarded.number.get() == 2 + visits, "work under the lock was lost");
  model::check(guarded.visit(), "the lock stays taken, or wanted");
}

MODEL_SCENARIO(heap_lock_an_owner_and_two_outsiders) {
  Guarded guarded;
  std::array<int, 2> visits{};
  model::threads([&] { guarded.own(); }, [&] { visits[0] = guarded.visit() ? 1 : 0; },
                 [&] { visits[1] = guarded.visit() ? 1 : 0; });
  model::check(guarded.number.get() == 1 + visits[0] + visits[1], "work under the lock was lost");
  model::check(guarded.visit(), "the lock stays taken, or wanted");
}

MODEL_SCENARIO(heap_lock_two_wait_for_it_and_an_outsider_comes) {
  Guarded guarded;
  int visits = 0;
  model::threads([&] { guarded.own(); }, [&] { guarded.own(); }, [&] { visits = guarded.visit() ? 1 : 0; });
  model::check(guarded.number.get() == 2 + visits, "work under the lock was lost");
  model::check(guarded.visit(), "the lock stays taken, or wanted");
}

}  // namespace
