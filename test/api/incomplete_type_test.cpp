// Types that hold containers of themselves.
#include <boost/container/deque.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/vector.hpp>
#include <boost/test/unit_test.hpp>
#include <flux/flux.hpp>
#include <forward_list>
#include <list>
#include <memory>
#include <tuple>
#include <vector>

BOOST_AUTO_TEST_SUITE(incomplete_type)

namespace {

struct Incomplete;
static_assert(sizeof(flux::Allocator<Incomplete>) == 1);
static_assert(std::is_same_v<flux::Allocator<Incomplete>::rebind<int>::other, flux::Allocator<int>>);
struct Incomplete {
  flux::Allocator<Incomplete> allocator;
};

template <template <class...> class Container>
struct Tree {
  long value = 0;
  Container<Tree, flux::Allocator<Tree>> children{};
};

struct Directory {
  boost::container::map<int, Directory, std::less<int>, flux::Allocator<std::pair<const int, Directory>>>
      entries{};
};

template <class Node>
Node make_tree(int depth) {
  Node root;
  root.value = 1;
  if (depth > 0) root.children.resize(3, make_tree<Node>(depth - 1));
  return root;
}

template <class Node>
long sum_of(const Node& node) {
  long sum = node.value;
  for (const Node& child : node.children) sum += sum_of(child);
  return sum;
}

using Trees = std::tuple<Tree<std::list>, Tree<std::forward_list>, Tree<std::vector>,
                         Tree<boost::container::list>, Tree<boost::container::vector>,
                         Tree<boost::container::deque>, Tree<boost::container::stable_vector>>;

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_type_may_hold_a_container_of_itself, Node, Trees) {
  const Node tree = make_tree<Node>(4);
  const Node copy = tree;
  BOOST_TEST(sum_of(tree) == 1 + 3 + 9 + 27 + 81);
  BOOST_TEST(sum_of(copy) == sum_of(tree));
}

BOOST_AUTO_TEST_CASE(a_type_may_hold_a_map_of_itself) {
  Directory root;
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) root.entries[i].entries[j];
  BOOST_TEST(root.entries.size() == 10u);
  BOOST_TEST(root.entries.at(9).entries.size() == 10u);
}

BOOST_AUTO_TEST_CASE(an_allocator_named_before_its_type_is_complete_allocates_it_afterwards) {
  Incomplete whole;
  Incomplete* one = whole.allocator.allocate(1);
  std::construct_at(one);
  std::destroy_at(one);
  whole.allocator.deallocate(one, 1);
  BOOST_TEST(one != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
