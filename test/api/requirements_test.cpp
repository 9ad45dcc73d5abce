// What the standard asks of an allocator, and what containers ask beyond it.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(requirements)

namespace {

using flux::Allocator;
using Traits = std::allocator_traits<Allocator<long>>;

static_assert(std::is_same_v<Traits::value_type, long>);
static_assert(std::is_same_v<Traits::pointer, long*>);
static_assert(std::is_same_v<Traits::const_void_pointer, const void*>);
static_assert(std::is_same_v<Traits::size_type, std::size_t>);
static_assert(std::is_same_v<Traits::difference_type, std::ptrdiff_t>);
static_assert(std::is_same_v<Traits::rebind_alloc<char>, Allocator<char>>);
static_assert(std::is_same_v<Allocator<long>::rebind<char>::other, Allocator<char>>);
static_assert(Traits::is_always_equal::value);

static_assert(std::is_empty_v<Allocator<long>>);
static_assert(std::is_trivially_copyable_v<Allocator<long>>);
static_assert(std::is_trivially_destructible_v<Allocator<long>>);
static_assert(std::is_nothrow_default_constructible_v<Allocator<long>>);
static_assert(std::is_nothrow_swappable_v<Allocator<long>>);
static_assert(std::is_nothrow_constructible_v<Allocator<long>, const Allocator<char>&>);
static_assert(std::is_convertible_v<Allocator<char>, Allocator<long>>);
static_assert(!std::is_convertible_v<std::allocator<long>, Allocator<long>>);
static_assert(!std::is_base_of_v<std::allocator<long>, Allocator<long>>, "containers would bypass allocate");

static_assert(std::is_same_v<std::allocator_traits<Allocator<void>>::rebind_alloc<int>, Allocator<int>>);
static_assert(std::is_convertible_v<Allocator<void>, Allocator<int>>);
static_assert(std::is_convertible_v<Allocator<int>, Allocator<void>>);
static_assert(std::is_empty_v<Allocator<void>>);
static_assert(Allocator<void>{} == Allocator<void>{});

template <class T>
using Vector = std::vector<T, Allocator<T>>;
template <class T>
using List = std::list<T, Allocator<T>>;
template <class K, class V>
using Map = std::map<K, V, std::less<K>, Allocator<std::pair<const K, V>>>;
template <class K, class V>
using UnorderedMap =
    std::unordered_map<K, V, std::hash<K>, std::equal_to<K>, Allocator<std::pair<const K, V>>>;
using String = std::basic_string<char, std::char_traits<char>, Allocator<char>>;

static_assert(sizeof(Vector<int>) == sizeof(std::vector<int>));
static_assert(sizeof(List<int>) == sizeof(std::list<int>));
static_assert(sizeof(Map<int, int>) == sizeof(std::map<int, int>));
static_assert(sizeof(UnorderedMap<int, int>) == sizeof(std::unordered_map<int, int>));
static_assert(sizeof(String) == sizeof(std::string));
static_assert(std::is_nothrow_move_constructible_v<List<int>> ==
              std::is_nothrow_move_constructible_v<std::list<int>>);
static_assert(std::is_nothrow_move_assignable_v<List<int>>);
static_assert(std::is_nothrow_move_assignable_v<Vector<int>>);
static_assert(std::is_nothrow_move_assignable_v<Map<int, int>>);
static_assert(std::is_nothrow_swappable_v<List<int>>);

}  // namespace

BOOST_AUTO_TEST_CASE(every_two_allocators_are_equal) {
  const Allocator<long> one, other;
  BOOST_TEST((one == other));
  BOOST_TEST(!(one != other));
  BOOST_TEST((one == Allocator<long>(Allocator<char>{})));
}

BOOST_AUTO_TEST_CASE(allocators_of_different_types_compare_equal) {
  BOOST_TEST((Allocator<long>{} == Allocator<char>{}));
  BOOST_TEST((Allocator<void>{} == Allocator<char>{}));
}

BOOST_AUTO_TEST_CASE(what_one_allocates_a_copy_or_a_converted_one_frees) {
  Allocator<long> first;
  Allocator<long> copy = first;
  copy.deallocate(first.allocate(1), 1);
  Allocator<long> back(Allocator<char>{first});
  back.deallocate(copy.allocate(1), 1);
  back.deallocate(copy.allocate(10), 10);
  BOOST_TEST((back == first));
}

BOOST_AUTO_TEST_CASE(the_traits_allocate_construct_destroy_and_free) {
  Allocator<std::string> allocator;
  using StringTraits = std::allocator_traits<Allocator<std::string>>;
  std::string* one = StringTraits::allocate(allocator, 1);
  StringTraits::construct(allocator, one, 100, 'x');
  BOOST_TEST(*one == std::string(100, 'x'));
  StringTraits::destroy(allocator, one);
  StringTraits::deallocate(allocator, one, 1);
}

BOOST_AUTO_TEST_CASE(a_hint_is_accepted) {
  Allocator<long> allocator;
  long* one = Traits::allocate(allocator, 1);
  long* other = Traits::allocate(allocator, 1, one);
  BOOST_TEST(one != other);
  Traits::deallocate(allocator, other, 1);
  Traits::deallocate(allocator, one, 1);
}

BOOST_AUTO_TEST_CASE(no_objects_can_be_asked_for_and_given_back) {
  Allocator<long> allocator;
  long* none = allocator.allocate(0);
  allocator.deallocate(none, 0);
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(a_copied_container_gets_an_equal_allocator) {
  BOOST_TEST((Traits::select_on_container_copy_construction(Allocator<long>{}) == Allocator<long>{}));
}

BOOST_AUTO_TEST_CASE(allocate_at_least_returns_exactly_what_was_asked_for) {
  Allocator<long> allocator;
  for (std::size_t count : {1u, 2u, 3u, 7u, 1000u}) {
    const auto result = allocator.allocate_at_least(count);
    static_assert(std::is_same_v<decltype(result.ptr), long*>);
    static_assert(std::is_same_v<decltype(result.count), std::size_t>);
    BOOST_TEST(result.count == count);
    std::fill_n(result.ptr, result.count, 7L);
    allocator.deallocate(result.ptr, result.count);
  }
}

#if defined(__cpp_lib_allocate_at_least)
BOOST_AUTO_TEST_CASE(allocate_at_least_returns_the_struct_of_the_standard) {
  static_assert(
      std::is_same_v<decltype(Allocator<long>{}.allocate_at_least(1)), std::allocation_result<long*>>);
  BOOST_TEST(true);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
