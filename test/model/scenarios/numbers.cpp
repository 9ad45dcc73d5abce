// Thread numbers, and what belongs to the one who holds one.
#include "../Begin.hpp"

#include <flux/detail/heap/ThreadNumber.hpp>

#include "../End.hpp"

namespace {

using flux::detail::kNoThreadNumber;
using flux::detail::ThreadNumbers;

struct Lines {
  ThreadNumbers numbers;
  std::array<model::Data<int>, 3> uses;  ///< of each number, written by its holder alone

  void take_and_give_back() {
    const std::uint32_t number = numbers.take();
    model::check(number < uses.size(), "a number that is too high");
    uses[number].set(uses[number].get() + 1);
    numbers.give_back(number);
  }
};

MODEL_SCENARIO(thread_numbers_are_held_by_one_thread_at_a_time) {
  Lines lines;
  model::threads([&] { lines.take_and_give_back(); }, [&] { lines.take_and_give_back(); },
                 [&] { lines.take_and_give_back(); });
  int sum = 0;
  for (const model::Data<int>& uses : lines.uses) sum += uses.get();
  model::check(sum == 3, "two threads held one number");
  model::check(lines.numbers.take() == 0, "a number was not given back");
}

MODEL_SCENARIO(thread_numbers_go_from_thread_to_thread_and_back) {
  Lines lines;
  const auto twice = [&] {
    lines.take_and_give_back();
    lines.take_and_give_back();
  };
  model::threads(twice, twice);
  model::check(lines.uses[0].get() + lines.uses[1].get() == 4, "two threads held one number");
}

}  // namespace
