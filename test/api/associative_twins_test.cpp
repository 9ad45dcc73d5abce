// Sets and maps with flux::Allocator hold what their twins with std::allocator hold, after any operations.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <utility>

#include "support/Containers.hpp"
#include "support/Sanitizers.hpp"
#include "support/Twins.hpp"

BOOST_AUTO_TEST_SUITE(associative_twins)

namespace {

using namespace flux::test;

template <class Container>
auto key_of(std::size_t number) {
  return value_of<typename Container::key_type>(number);
}

template <class Container>
void reinsert(Container& container, std::size_t number) {
  const auto found = container.find(key_of<Container>(number));
  if (found == container.end()) return;
  if constexpr (requires { container.insert(container.extract(found)); }) {
    container.insert(container.extract(found));
  } else {
    container.erase(found);
    container.insert(element_of<Container>(number));
  }
}

template <class Container>
void apply_to_associative(Container& container, const Operation& operation) {
  const auto [kind, place, number] = operation;
  if (kind < 55) return void(container.insert(element_of<Container>(number)));
  if (kind < 85) return void(container.erase(key_of<Container>(number)));
  if (kind < 95) return reinsert(container, number);
  if (kind < 96) return container.clear();
  Container copy(container);
  if (kind < 97) return container.swap(copy);
  if (kind < 98) return void(container = std::move(copy));
  Container moved(std::move(container));
  container = moved;
}

constexpr auto kApply = [](auto& container, const Operation& operation) {
  apply_to_associative(container, operation);
};

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_set_holds_what_its_twin_holds, Twins, SetsOfTwins) {
  const std::size_t steps = scaled(5000);
  BOOST_TEST(steps_alike<Twins>(steps, kApply) == steps);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_map_holds_what_its_twin_holds, Twins, MapsOfTwins) {
  const std::size_t steps = scaled(5000);
  BOOST_TEST(steps_alike<Twins>(steps, kApply) == steps);
}

BOOST_AUTO_TEST_SUITE_END()
