// Nodes that change containers: splice, merge, swap, move, node handles. Elements stay where they are.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "support/Containers.hpp"

BOOST_AUTO_TEST_SUITE(node_containers)

namespace {

using namespace flux::test;

template <class T>
using A = flux::Allocator<T>;
using Pair = std::pair<const long, long>;

using StdList = std::list<long, A<long>>;
using StdForwardList = std::forward_list<long, A<long>>;
using BoostList = boost::container::list<long, A<long>>;
using BoostSlist = boost::container::slist<long, A<long>>;
using StdMap = std::map<long, long, std::less<long>, A<Pair>>;
using StdMultimap = std::multimap<long, long, std::less<long>, A<Pair>>;
using StdSet = std::set<long, std::less<long>, A<long>>;
using StdMultiset = std::multiset<long, std::less<long>, A<long>>;
using StdUnorderedMap = std::unordered_map<long, long, std::hash<long>, std::equal_to<long>, A<Pair>>;
using StdUnorderedMultimap =
    std::unordered_multimap<long, long, std::hash<long>, std::equal_to<long>, A<Pair>>;
using StdUnorderedSet = std::unordered_set<long, std::hash<long>, std::equal_to<long>, A<long>>;
using StdUnorderedMultiset = std::unordered_multiset<long, std::hash<long>, std::equal_to<long>, A<long>>;
using BoostMap = boost::container::map<long, long, std::less<long>, A<Pair>>;
using BoostMultimap = boost::container::multimap<long, long, std::less<long>, A<Pair>>;
using BoostSet = boost::container::set<long, std::less<long>, A<long>>;
using BoostMultiset = boost::container::multiset<long, std::less<long>, A<long>>;

using Lists = std::tuple<StdList, BoostList, BoostSlist>;
using AllLists = std::tuple<StdList, StdForwardList, BoostList, BoostSlist>;
using Associative =
    std::tuple<StdMap, StdMultimap, StdSet, StdMultiset, StdUnorderedMap, StdUnorderedMultimap,
               StdUnorderedSet, StdUnorderedMultiset, BoostMap, BoostMultimap, BoostSet, BoostMultiset>;
using NodeContainers = std::tuple<StdList, StdForwardList, BoostList, BoostSlist, StdMap, StdMultimap, StdSet,
                                  StdMultiset, StdUnorderedMap, StdUnorderedMultimap, StdUnorderedSet,
                                  StdUnorderedMultiset, BoostMap, BoostMultimap, BoostSet, BoostMultiset>;

template <class Container>
Container filled(std::size_t first, std::size_t end) {
  Container container;
  for (std::size_t number = first; number < end; ++number) {
    if constexpr (requires { container.push_front(value_of<typename Container::value_type>(number)); })
      container.push_front(value_of<typename Container::value_type>(number));
    else
      container.insert(element_of<Container>(number));
  }
  return container;
}

template <class Container>
auto addresses_in(const Container& container) {
  std::vector<const void*> addresses;
  for (const auto& element : container) addresses.push_back(&element);
  std::ranges::sort(addresses);
  return addresses;
}

template <class Container>
auto addresses_in(const Container& one, const Container& other) {
  auto addresses = addresses_in(one);
  std::ranges::copy(addresses_in(other), std::back_inserter(addresses));
  std::ranges::sort(addresses);
  return addresses;
}

template <class Container>
std::size_t length(const Container& container) {
  return static_cast<std::size_t>(std::distance(container.begin(), container.end()));
}

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(swap_exchanges_nodes_without_moving_them, Container, NodeContainers) {
  auto one = filled<Container>(0, 100), other = filled<Container>(100, 150);
  const auto in_one = addresses_in(one), in_other = addresses_in(other);
  one.swap(other);
  BOOST_CHECK(addresses_in(one) == in_other);
  BOOST_CHECK(addresses_in(other) == in_one);
  using std::swap;
  swap(one, other);
  BOOST_CHECK(addresses_in(one) == in_one);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_moved_container_takes_the_nodes_with_it, Container, NodeContainers) {
  auto source = filled<Container>(0, 100);
  const auto before = addresses_in(source);
  Container constructed(std::move(source));
  BOOST_CHECK(addresses_in(constructed) == before);
  auto assigned = filled<Container>(100, 150);
  assigned = std::move(constructed);
  BOOST_CHECK(addresses_in(assigned) == before);
  Container with_allocator(std::move(assigned), A<long>{});
  BOOST_CHECK(addresses_in(with_allocator) == before);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_copy_has_nodes_of_its_own, Container, NodeContainers) {
  const auto source = filled<Container>(0, 100);
  const Container copy(source);
  const auto all = addresses_in(source, copy);
  BOOST_CHECK(std::ranges::adjacent_find(all) == all.end());
  BOOST_CHECK(copy == source);
  auto assigned = filled<Container>(50, 70);
  assigned = source;
  BOOST_CHECK(assigned == source);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(splice_moves_nodes_between_lists, List, Lists) {
  auto one = filled<List>(0, 100), other = filled<List>(100, 200);
  const auto all = addresses_in(one, other);
  one.splice(one.begin(), other);
  BOOST_CHECK(length(one) == 200u);
  BOOST_CHECK(other.empty());
  other.splice(other.begin(), one, one.begin());
  other.splice(other.begin(), one, one.begin(), std::next(one.begin(), 50));
  BOOST_CHECK(length(other) == 51u);
  BOOST_CHECK(addresses_in(one, other) == all);
}

BOOST_AUTO_TEST_CASE(splice_after_moves_nodes_between_forward_lists) {
  auto one = filled<StdForwardList>(0, 100), other = filled<StdForwardList>(100, 200);
  const auto all = addresses_in(one, other);
  one.splice_after(one.before_begin(), other);
  other.splice_after(other.before_begin(), one, one.begin());
  BOOST_CHECK(length(one) == 199u);
  BOOST_CHECK(length(other) == 1u);
  BOOST_CHECK(addresses_in(one, other) == all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(merging_lists_moves_no_element, List, AllLists) {
  auto one = filled<List>(0, 100), other = filled<List>(50, 150);
  const auto all = addresses_in(one, other);
  one.sort();
  other.sort();
  one.merge(other);
  BOOST_CHECK(other.empty());
  BOOST_CHECK(std::is_sorted(one.begin(), one.end()));
  BOOST_CHECK(addresses_in(one) == all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(merging_associative_containers_moves_no_element, Container, Associative) {
  auto one = filled<Container>(0, 100), other = filled<Container>(50, 150);
  const auto all = addresses_in(one, other);
  one.merge(other);
  BOOST_CHECK(addresses_in(one, other) == all);
  BOOST_CHECK(one.size() + other.size() == 200u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_node_handle_carries_a_node_to_another_container, Container, Associative) {
  auto one = filled<Container>(0, 100), other = filled<Container>(100, 200);
  const auto all = addresses_in(one, other);
  while (!one.empty()) other.insert(one.extract(one.begin()));
  BOOST_CHECK(other.size() == 200u);
  BOOST_CHECK(addresses_in(other) == all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_node_handle_outlives_its_container, Container, Associative) {
  typename Container::node_type node;
  {
    auto gone = filled<Container>(0, 100);
    node = gone.extract(gone.begin());
  }
  BOOST_CHECK(!node.empty());
  BOOST_CHECK(node.get_allocator() == A<long>{});
  auto dropped = std::move(node);
  BOOST_CHECK(node.empty());
}

BOOST_AUTO_TEST_CASE(a_key_changes_in_its_node_handle) {
  auto map = filled<StdMap>(0, 100);
  const void* address = &*map.find(7);
  auto node = map.extract(7);
  node.key() = 1007;
  map.insert(std::move(node));
  BOOST_CHECK(&*map.find(1007) == address);
  BOOST_CHECK(map.size() == 100u);
}

BOOST_AUTO_TEST_CASE(nodes_go_from_a_map_to_a_multimap_and_back) {
  auto map = filled<StdMap>(0, 100);
  auto multimap = filled<StdMultimap>(0, 100);
  multimap.merge(map);
  BOOST_CHECK(map.empty());
  BOOST_CHECK(multimap.size() == 200u);
  map.merge(multimap);
  BOOST_CHECK(map.size() == 100u);
  multimap.insert(map.extract(map.begin()));
  BOOST_CHECK(multimap.size() == 101u);
}

BOOST_AUTO_TEST_SUITE_END()
