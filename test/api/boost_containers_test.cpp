// Containers of Boost beyond their comparison with twins.
#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/test/unit_test.hpp>
#include <flux/flux.hpp>
#include <string_view>
#include <utility>

BOOST_AUTO_TEST_SUITE(boost_containers)

namespace {

namespace bc = boost::container;

template <class T>
using A = flux::Allocator<T>;
using String = bc::basic_string<char, std::char_traits<char>, A<char>>;

}  // namespace

BOOST_AUTO_TEST_CASE(a_list_is_built_from_a_range_and_dropped_again_and_again) {
  bc::vector<long, A<long>> source;
  for (long i = 0; i < 1000; ++i) source.push_back(i);
  bool are_equal = true;
  for (int round = 0; round < 100; ++round) {
    const bc::list<long, A<long>> list(source.begin(), source.end());
    are_equal &= std::equal(list.begin(), list.end(), source.begin(), source.end());
  }
  BOOST_TEST(are_equal);
}

BOOST_AUTO_TEST_CASE(a_stable_vector_keeps_its_elements_in_place) {
  bc::stable_vector<long, A<long>> values(100, 7);
  const long* first = &values.front();
  values.insert(values.begin(), 1000, 3);
  values.resize(5000);
  BOOST_TEST(&values[1000] == first);
  values.shrink_to_fit();
  BOOST_TEST(&values[1000] == first);
}

BOOST_AUTO_TEST_CASE(a_string_grows_shrinks_and_moves) {
  String text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
  text.erase(0, 500);
  const String moved = boost::move(text);
  BOOST_TEST(moved.size() == 500u);
  BOOST_TEST((std::string_view(moved.data(), 3) == "ghi"));
}

BOOST_AUTO_TEST_CASE(a_small_vector_outgrows_its_inner_room) {
  bc::small_vector<long, 4, A<long>> values;
  for (long i = 0; i < 1000; ++i) values.push_back(i);
  BOOST_TEST(values[999] == 999);
}

BOOST_AUTO_TEST_CASE(flat_containers_stay_sorted) {
  bc::flat_map<int, int, std::less<int>, A<std::pair<int, int>>> map;
  bc::flat_set<int, std::less<int>, A<int>> set;
  for (int i = 0; i < 1000; ++i) map[i * 7919 % 1000] = i, set.insert(i * 7919 % 1000);
  BOOST_TEST(map.size() == 1000u);
  BOOST_TEST((std::is_sorted(set.begin(), set.end())));
}

BOOST_AUTO_TEST_CASE(a_map_with_other_trees_holds_the_same) {
  using Options = bc::tree_assoc_options<bc::tree_type<bc::avl_tree>>::type;
  bc::map<int, int, std::less<int>, A<std::pair<const int, int>>, Options> map;
  for (int i = 0; i < 1000; ++i) map[i * 7919 % 1000] = i;
  for (int i = 0; i < 1000; i += 2) map.erase(i);
  BOOST_TEST(map.size() == 500u);
  BOOST_TEST(map.begin()->first == 1);
}

BOOST_AUTO_TEST_SUITE_END()
