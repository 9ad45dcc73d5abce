// Sequences with flux::Allocator hold what their twins with std::allocator hold, after any operations.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <iterator>
#include <utility>

#include "support/Containers.hpp"
#include "support/Sanitizers.hpp"
#include "support/Twins.hpp"

BOOST_AUTO_TEST_SUITE(sequence_twins)

namespace {

using namespace flux::test;

template <class Container>
std::size_t size_of(const Container& container) {
  return static_cast<std::size_t>(std::distance(container.begin(), container.end()));
}

template <class Container>
void insert_at(Container& container, std::size_t index, std::size_t number) {
  using Value = typename Container::value_type;
  const auto steps = static_cast<std::ptrdiff_t>(index);
  if constexpr (requires { container.before_begin(); })
    container.insert_after(std::next(container.before_begin(), steps), value_of<Value>(number));
  else
    container.insert(std::next(container.begin(), steps), value_of<Value>(number));
}

template <class Container>
void erase_at(Container& container, std::size_t index) {
  const auto steps = static_cast<std::ptrdiff_t>(index);
  if constexpr (requires { container.before_begin(); })
    container.erase_after(std::next(container.before_begin(), steps));
  else
    container.erase(std::next(container.begin(), steps));
}

template <class Container>
void reorder(Container& container, std::size_t kind) {
  if constexpr (requires { container.sort(); }) {
    if (kind % 2 == 0) return container.sort();
    return container.reverse();
  } else {
    std::rotate(container.begin(),
                std::next(container.begin(), static_cast<std::ptrdiff_t>(size_of(container) / 2)),
                container.end());
  }
}

template <class Container>
void apply_to_sequence(Container& container, const Operation& operation) {
  const auto [kind, place, number] = operation;
  const std::size_t size = size_of(container);
  if (kind < 60) return insert_at(container, place % (size + 1), number);
  if (kind < 90) return size > 0 ? erase_at(container, place % size) : void();
  if (kind < 92) return container.assign(number, element_of<Container>(place));
  if (kind < 94) return container.resize(number / 2);
  if (kind < 96) return reorder(container, kind);
  if (kind < 97) return container.clear();
  Container copy(container);
  if (kind < 98) return container.swap(copy);
  if (kind < 99) return void(container = std::move(copy));
  Container moved(std::move(container));
  container = moved;
}

constexpr auto kApply = [](auto& container, const Operation& operation) {
  apply_to_sequence(container, operation);
};

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sequence_holds_what_its_twin_holds, Twins, SequencesOfTwins) {
  const std::size_t steps = scaled(5000);
  BOOST_TEST(steps_alike<Twins>(steps, kApply) == steps);
}

BOOST_AUTO_TEST_SUITE_END()
