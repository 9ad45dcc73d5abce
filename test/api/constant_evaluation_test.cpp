// The allocator in constant expressions, where memory comes from std::allocator.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <memory>
#include <numeric>
#include <vector>

BOOST_AUTO_TEST_SUITE(constant_evaluation)

namespace {

constexpr int sum_through(std::size_t count) {
  flux::Allocator<int> allocator;
  int* values = allocator.allocate(count);
  for (std::size_t i = 0; i < count; ++i) std::construct_at(values + i, static_cast<int>(i));
  const int sum = std::accumulate(values, values + count, 0);
  std::destroy_n(values, count);
  allocator.deallocate(values, count);
  return sum;
}

static_assert(sum_through(1) == 0, "one object, which would come from a slab at run time");
static_assert(sum_through(100) == 4950);

constexpr bool allocates_at_least() {
  flux::Allocator<int> allocator;
  const auto result = allocator.allocate_at_least(5);
  allocator.deallocate(result.ptr, result.count);
  return result.count == 5;
}

static_assert(allocates_at_least());

constexpr bool converts_and_compares() {
  const flux::Allocator<int> one;
  const flux::Allocator<char> other(one);
  return one == flux::Allocator<int>(other);
}

static_assert(converts_and_compares());

// A list by hand, node by node: the library's own cannot be evaluated.
struct Node {
  int value;
  Node* next;
};

constexpr int sum_of_list(int count) {
  flux::Allocator<Node> allocator;
  Node* head = nullptr;
  for (int i = 1; i <= count; ++i) head = std::construct_at(allocator.allocate(1), Node{i, head});
  int sum = 0;
  while (head != nullptr) {
    Node* next = head->next;
    sum += head->value;
    std::destroy_at(head);
    allocator.deallocate(head, 1);
    head = next;
  }
  return sum;
}

static_assert(sum_of_list(100) == 5050);

#if defined(__cpp_lib_constexpr_vector)
constexpr std::size_t size_of_vector() {
  std::vector<int, flux::Allocator<int>> values{1, 2, 3};
  for (int i = 0; i < 20; ++i) values.push_back(i);
  values.erase(values.begin());
  return values.size();
}

static_assert(size_of_vector() == 22);
#endif

}  // namespace

BOOST_AUTO_TEST_CASE(the_same_functions_give_the_same_values_at_run_time) {
  volatile int count = 100;
  BOOST_TEST(sum_through(static_cast<std::size_t>(count)) == 4950);
  BOOST_TEST(sum_of_list(count) == 5050);
  BOOST_TEST(allocates_at_least());
  BOOST_TEST(converts_and_compares());
}

BOOST_AUTO_TEST_SUITE_END()
