// Containers and adaptors of the standard library beyond their comparison with twins.
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <deque>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <queue>
#include <regex>
#include <sstream>
#include <stack>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

BOOST_AUTO_TEST_SUITE(std_containers)

namespace {

template <class T>
using A = flux::Allocator<T>;
using String = std::basic_string<char, std::char_traits<char>, A<char>>;

template <class T>
using Deque = std::deque<T, A<T>>;
template <class T>
using List = std::list<T, A<T>>;
template <class T>
using Vector = std::vector<T, A<T>>;

}  // namespace

BOOST_AUTO_TEST_CASE(a_vector_of_bool_keeps_its_bits) {
  Vector<bool> bits;
  for (std::size_t i = 0; i < 10'000; ++i) bits.push_back(i % 3 == 0);
  bits.erase(bits.begin());
  bits.insert(bits.begin(), true);
  Vector<bool> copy = bits;
  copy.flip();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < 10'000; ++i) wrong += bits[i] != (i % 3 == 0) || copy[i] == bits[i];
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(a_string_grows_shrinks_and_moves) {
  String text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>('a' + i % 26);
  text.erase(0, 500);
  text.shrink_to_fit();
  const String moved = std::move(text);
  BOOST_TEST(moved.size() == 500u);
  BOOST_TEST((std::string_view(moved).substr(0, 3) == "ghi"));
}

BOOST_AUTO_TEST_CASE(a_list_of_strings_holds_allocations_in_allocations) {
  List<String> words;
  for (std::size_t i = 0; i < 1000; ++i) words.emplace_back(i % 100, 'x');
  words.remove_if([](const String& word) { return word.size() < 50; });
  BOOST_TEST(words.size() == 500u);
  BOOST_TEST((words.back() == String(99, 'x')));
}

BOOST_AUTO_TEST_CASE(a_stack_is_last_in_first_out) {
  std::stack<int, List<int>> on_list;
  std::stack<int, Deque<int>> on_deque;
  for (int i = 0; i < 1000; ++i) on_list.push(i), on_deque.push(i);
  bool is_in_order = true;
  for (int i = 999; i >= 0; --i, on_list.pop(), on_deque.pop())
    is_in_order &= on_list.top() == i && on_deque.top() == i;
  BOOST_TEST(is_in_order);
}

BOOST_AUTO_TEST_CASE(a_queue_is_first_in_first_out) {
  std::queue<int, List<int>> on_list;
  std::queue<int, Deque<int>> on_deque;
  for (int i = 0; i < 1000; ++i) on_list.push(i), on_deque.push(i);
  bool is_in_order = true;
  for (int i = 0; i < 1000; ++i, on_list.pop(), on_deque.pop())
    is_in_order &= on_list.front() == i && on_deque.front() == i;
  BOOST_TEST(is_in_order);
}

BOOST_AUTO_TEST_CASE(a_priority_queue_gives_the_largest_first) {
  std::priority_queue<int, Vector<int>> queue(std::less<int>{}, A<int>{});
  for (int i = 0; i < 1000; ++i) queue.push(i * 7919 % 1000);
  bool is_in_order = true;
  for (int i = 999; i >= 0; --i, queue.pop()) is_in_order &= queue.top() == i;
  BOOST_TEST(is_in_order);
}

BOOST_AUTO_TEST_CASE(a_stream_writes_into_a_string_of_the_allocator) {
  std::basic_ostringstream<char, std::char_traits<char>, A<char>> stream;
  for (int i = 0; i < 1000; ++i) stream << i << ' ';
  const String text = stream.str();
  BOOST_TEST((std::string_view(text).substr(0, 8) == "0 1 2 3 "));
  BOOST_TEST(text.size() == 3890u);
}

BOOST_AUTO_TEST_CASE(a_regular_expression_stores_its_matches) {
  const std::string text = "flux 1 slab 2";
  std::match_results<std::string::const_iterator, A<std::sub_match<std::string::const_iterator>>> match;
  BOOST_TEST(std::regex_search(text, match, std::regex("([a-z]+) ([0-9])$")));
  BOOST_TEST(match[1].str() == "slab");
}

BOOST_AUTO_TEST_CASE(a_rehash_keeps_every_element_in_its_node) {
  std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, A<std::pair<const int, int>>> map;
  for (int i = 0; i < 1000; ++i) map[i] = i;
  const int* before = &map.at(500);
  map.rehash(100'000);
  BOOST_TEST(&map.at(500) == before);
  map.rehash(0);
  BOOST_TEST(&map.at(500) == before);
}

BOOST_AUTO_TEST_CASE(large_and_aligned_elements_live_in_nodes) {
  struct Large {
    std::array<char, 50'000> bytes;
  };
  struct alignas(1024) Aligned {
    int value;
  };
  List<Large> large(3);
  List<Aligned> aligned(100);
  std::map<int, Aligned, std::less<int>, A<std::pair<const int, Aligned>>> map;
  for (int i = 0; i < 100; ++i) map[i].value = i;
  large.pop_front();
  std::size_t misaligned = 0;
  for (const Aligned& one : aligned) misaligned += reinterpret_cast<std::size_t>(&one) % 1024 != 0;
  for (const auto& [key, one] : map) misaligned += reinterpret_cast<std::size_t>(&one) % 1024 != 0;
  BOOST_TEST(misaligned == 0u);
  BOOST_TEST(large.size() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
