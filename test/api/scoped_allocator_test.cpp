// scoped_allocator_adaptor around flux::Allocator: containers in containers, all of one allocator.
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/scoped_allocator.hpp>
#include <boost/test/unit_test.hpp>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <scoped_allocator>
#include <string>
#include <tuple>
#include <vector>

BOOST_AUTO_TEST_SUITE(scoped_allocator)

namespace {

template <class T>
using Scoped = std::scoped_allocator_adaptor<flux::Allocator<T>>;
template <class T>
using BoostScoped = boost::container::scoped_allocator_adaptor<flux::Allocator<T>>;

using String = std::basic_string<char, std::char_traits<char>, Scoped<char>>;
using Words = std::vector<String, Scoped<String>>;
using Index = std::map<String, Words, std::less<String>, Scoped<std::pair<const String, Words>>>;

using Numbers = boost::container::list<int, BoostScoped<int>>;
using Table = boost::container::map<int, Numbers, std::less<int>, BoostScoped<std::pair<const int, Numbers>>>;

}  // namespace

BOOST_AUTO_TEST_CASE(nested_containers_of_the_standard_library_hold_what_was_put_in) {
  Index index;
  for (std::size_t i = 0; i < 1000; ++i) index[String(i % 50, 'k')].emplace_back(i, 'v');
  const Index copy = index;
  BOOST_TEST(copy.size() == 50u);
  BOOST_TEST(copy.at(String(49, 'k')).size() == 20u);
  BOOST_TEST((copy.at(String(49, 'k')).back() == String(999, 'v')));
}

BOOST_AUTO_TEST_CASE(nested_containers_of_boost_hold_what_was_put_in) {
  Table table;
  for (int i = 0; i < 1000; ++i) table[i % 50].push_back(i);
  const Table copy = table;
  BOOST_TEST(copy.size() == 50u);
  BOOST_TEST(copy.at(49).size() == 20u);
  BOOST_TEST(copy.at(49).back() == 999);
}

BOOST_AUTO_TEST_CASE(a_tuple_hands_the_allocator_to_its_elements) {
  const std::tuple<int, Words> made(std::allocator_arg, Scoped<char>{}, 5, Words{String("word")});
  BOOST_TEST(std::get<1>(made).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
