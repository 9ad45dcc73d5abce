// The allocator of Boost.Container's version 2: each function by itself, and the containers that call them.
#include <algorithm>
#include <boost/container/deque.hpp>
#include <boost/container/detail/version_type.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/flat_set.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/set.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/version.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapCensus.hpp"
#include "support/HeapObjects.hpp"
#include "support/ObjectSets.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(burst_allocator)

namespace {

namespace bc = boost::container;
using namespace flux::test;
using flux::detail::local_bins;
using flux::detail::local_heap;
using flux::detail::no_bins;
using flux::detail::ThreadHeap;

struct Orders;

struct Node {
  std::byte bytes[48];
};
constexpr unsigned kClass = flux::detail::size_class_of(sizeof(Node), alignof(Node));

struct Huge {
  std::byte bytes[40'000];
};

template <class T>
using B = flux::BurstAllocator<T>;
using Chain = B<Node>::multiallocation_chain;

template <class Alloc>
Objects objects_of(typename Alloc::multiallocation_chain& chain) {
  Objects objects;
  for (auto& object : chain) objects.push_back(&object);
  return objects;
}

Objects burst(std::size_t count) {
  Chain chain;
  B<Node>{}.allocate_individual(count, chain);
  Objects objects = objects_of<B<Node>>(chain);
  chain.clear();
  return objects;
}

void give_back(const Objects& objects) {
  Chain chain;
  for (void* object : objects) chain.push_back(static_cast<Node*>(object));
  B<Node>{}.deallocate_individual(chain);
}

/// Objects of the thread's heap that are not home: a heap that the thread adopted may have come with some.
template <class Tag = void>
std::size_t away() {
  flux::Allocator<Node, Tag> allocator;
  allocator.deallocate(allocator.allocate(1), 1);
  settle(*local_heap<Tag>.heap());
  return census_of(*local_heap<Tag>.heap()).away();
}

/// Runs `work()` on a thread; whether it left as many objects away as it found, or at most so many more.
template <class Work>
bool leaves_at_most(std::size_t most, Work work) {
  std::size_t before = 0, after = 0;
  run_thread([&] {
    before = away();
    work();
    after = away();
  });
  return before <= after && after <= before + most;
}

template <class Work>
bool leaves_nothing(Work work) {
  return leaves_at_most(0, work);
}

template <class Container>
typename Container::value_type element(long number) {
  if constexpr (requires { typename Container::mapped_type; })
    return {number, number};
  else
    return number;
}

template <class Container>
std::vector<typename Container::value_type> elements(long first, long last) {
  std::vector<typename Container::value_type> values;
  for (long i = first; i != last; ++i) values.push_back(element<Container>(i));
  return values;
}

template <class Container>
constexpr bool kIsSlist = requires(Container container) {
  container.before_begin();
};

/// Whether it holds these elements. Of an slist in any order: that of Boost 1.74 and 1.81 puts a range in,
/// with every allocator of version 2, backwards.
template <class Container, class Values>
bool holds(const Container& container, const Values& values) {
  if constexpr (kIsSlist<Container>)
    return std::is_permutation(container.begin(), container.end(), values.rbegin(), values.rend());
  return std::equal(container.begin(), container.end(), values.begin(), values.end());
}

using Less = std::less<long>;
using Pair = std::pair<const long, long>;
using Lists = std::tuple<bc::list<long, B<long>>, bc::slist<long, B<long>>>;
// Boost makes sets and maps, and those with equal keys, of one tree; and flat ones of one sorted vector.
using Trees = std::tuple<bc::set<long, Less, B<long>>, bc::multimap<long, long, Less, B<Pair>>>;
using Arrays =
    std::tuple<bc::vector<long, B<long>>, bc::deque<long, B<long>>, bc::stable_vector<long, B<long>>>;
using Flat = std::tuple<bc::flat_map<long, long, Less, B<std::pair<long, long>>>>;
using All = decltype(std::tuple_cat(Lists{}, Trees{}, Arrays{}, Flat{}));
using Sequences = decltype(std::tuple_cat(Lists{}, Arrays{}));
using Associative = decltype(std::tuple_cat(Trees{}, Flat{}));

struct Refused : std::runtime_error {
  Refused() : std::runtime_error("refused") {}
};

// Counts its objects; copies are refused after so many.
struct Fragile {
  explicit Fragile(long given) : value(given) { ++alive; }
  Fragile(const Fragile& other) : value(other.value) {
    if (left-- == 0) throw Refused();
    ++alive;
  }
  Fragile& operator=(const Fragile&) = default;
  ~Fragile() { --alive; }
  friend bool operator<(const Fragile& one, const Fragile& other) { return one.value < other.value; }

  long value;
  static inline long alive = 0;
  static inline long left = -1;
};
// The last element of a range is not refused: Boost 1.74 and 1.81 assert then, with every allocator of
// version 2, that a chain goes on behind it.
constexpr long kRefusable = 49;
// The node whose element throws: a later Boost, 1.81 at least, forgets it over every allocator of version 2.
constexpr std::size_t kLostByBoost = BOOST_VERSION > 107400 ? 1 : 0;
// Without boost::container::stable_vector: when an element throws, that of Boost 1.74 writes to a node it has
// freed, with every allocator.
using Ranged =
    std::tuple<bc::list<Fragile, B<Fragile>>, bc::slist<Fragile, B<Fragile>>,
               bc::multiset<Fragile, std::less<Fragile>, B<Fragile>>, bc::vector<Fragile, B<Fragile>>>;

}  // namespace

BOOST_AUTO_TEST_CASE(boost_takes_it_for_version_2_and_the_single_one_for_version_1) {
  static_assert(bc::dtl::version<B<int>>::value == 2);
  static_assert(bc::dtl::version<flux::BurstAllocator<Pair, Orders>>::value == 2);
  static_assert(bc::dtl::version<flux::Allocator<int>>::value == 1);
  constexpr bool is_version_2 = bc::dtl::is_version<B<int>, 2>::value;
  BOOST_TEST(is_version_2);
}

BOOST_AUTO_TEST_CASE(rebind_keeps_version_and_tag) {
  using Tagged = flux::BurstAllocator<int, Orders>;
  using Rebound = std::allocator_traits<Tagged>::rebind_alloc<Node>;
  static_assert(std::is_same_v<Rebound, flux::BurstAllocator<Node, Orders>>);
  static_assert(std::is_same_v<flux::BurstAllocator<void, Orders>::rebind<int>::other, Tagged>);
  static_assert(std::is_same_v<bc::allocator_traits<Tagged>::portable_rebind_alloc<Node>::type, Rebound>);
  run_thread([] {
    bc::list<int, Tagged> list(1000, 7);
    BOOST_TEST((local_heap<>.heap() == nullptr));  // none of it came from the heap of no tag
    BOOST_TEST(away<Orders>() >= 1000u);
    list.clear();
    BOOST_TEST(away<Orders>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(it_and_the_single_allocator_convert_to_each_other_and_are_equal_within_a_tag) {
  using Single = flux::Allocator<int>;
  static_assert(std::is_convertible_v<B<long>, B<int>> && std::is_convertible_v<B<long>, Single>);
  static_assert(std::is_convertible_v<flux::Allocator<long>, B<int>>);
  static_assert(!std::is_convertible_v<flux::BurstAllocator<int, Orders>, B<int>>);
  static_assert(!std::is_constructible_v<flux::BurstAllocator<int, Orders>, Single>);
  static_assert(std::is_empty_v<B<int>> && std::allocator_traits<B<int>>::is_always_equal::value);
  static_assert(std::allocator_traits<B<int>>::propagate_on_container_move_assignment::value);
  BOOST_TEST((B<int>{} == B<long>{}));
  BOOST_TEST((B<int>{} == Single{}));
  BOOST_TEST((Single{} == B<int>{}));
  BOOST_TEST(!(B<int>{} != Single{}));
}

BOOST_AUTO_TEST_CASE(it_works_in_constant_evaluation) {
  constexpr int sum = [] {
    B<int> allocator;
    int* const one = std::construct_at(allocator.allocate_one(), 1);
    int* const two = allocator.allocate(2);
    std::construct_at(two, 2);
    std::construct_at(two + 1, 3);
    const int total = *one + two[0] + two[1];
    allocator.deallocate_one(one);
    allocator.deallocate(two, 2);
    return total;
  }();
  BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_CASE(what_it_allocates_the_single_allocator_frees_and_the_other_way_round) {
  BOOST_TEST(leaves_nothing([] {
    B<Node> many;
    flux::Allocator<Node> single;
    const std::size_t before = away();
    for (void* object : burst(1000)) single.deallocate(static_cast<Node*>(object), 1);
    single.deallocate(many.allocate_one(), 1);
    BOOST_TEST(away() == before);
    many.deallocate_one(single.allocate(1));
    Objects objects;
    for (int i = 0; i != 1000; ++i) objects.push_back(single.allocate(1));
    BOOST_TEST(away() == before + 1000);
    give_back(objects);
    many.deallocate(single.allocate(10), 10);
    single.deallocate(many.allocate(10), 10);
  }));
}

BOOST_AUTO_TEST_CASE(a_burst_stands_before_what_the_chain_held) {
  BOOST_TEST(leaves_nothing([] {
    Chain chain;
    B<Node> allocator;
    allocator.allocate_individual(10, chain);
    const Objects first = objects_of<B<Node>>(chain);
    allocator.allocate_individual(0, chain);
    BOOST_TEST(objects_of<B<Node>>(chain) == first);
    allocator.allocate_individual(20, chain);
    const Objects all = objects_of<B<Node>>(chain);
    BOOST_TEST(chain.size() == 30u);
    BOOST_TEST(are_distinct(all));
    BOOST_TEST(Objects(all.begin() + 20, all.end()) == first);
    chain.push_back(allocator.allocate_one());  // the chain's end is known to it
    BOOST_TEST(objects_of<B<Node>>(chain).size() == 31u);
    allocator.deallocate_individual(chain);
    BOOST_TEST(chain.empty());
    allocator.deallocate_individual(chain);
  }));
}

BOOST_AUTO_TEST_CASE(a_burst_into_an_empty_chain_knows_its_end) {
  BOOST_TEST(leaves_nothing([] {
    Chain chain;
    B<Node> allocator;
    allocator.allocate_individual(10, chain);
    Node* const one = allocator.allocate_one();
    chain.push_back(one);
    BOOST_TEST(objects_of<B<Node>>(chain).back() == one);
    BOOST_TEST(objects_of<B<Node>>(chain).size() == 11u);
    allocator.deallocate_individual(chain);
  }));
}

BOOST_AUTO_TEST_CASE(a_burst_gives_what_single_allocations_would_in_their_order) {
  BOOST_TEST(leaves_nothing([] {
    give_back(burst(1500));
    flux::Allocator<Node> single;
    Objects singles;
    for (int i = 0; i != 1000; ++i) singles.push_back(single.allocate(1));
    for (auto object = singles.rbegin(); object != singles.rend(); ++object)
      single.deallocate(static_cast<Node*>(*object), 1);
    const std::size_t held = in_bin(*local_heap<>.heap(), kClass);
    const Objects objects = burst(1000);
    BOOST_TEST(objects == singles);
    BOOST_TEST(in_bin(*local_heap<>.heap(), kClass) == held - 1000);
    give_back(objects);
    BOOST_TEST(in_bin(*local_heap<>.heap(), kClass) == held);
  }));
}

BOOST_AUTO_TEST_CASE(bursts_larger_than_a_bin_go_home) {
  BOOST_TEST(leaves_nothing([] {
    const std::size_t before = away();
    const Objects objects = burst(20'000);
    BOOST_TEST(are_distinct(objects));
    for (void* object : objects) mark(object, kClass);
    BOOST_TEST(are_marked(objects, kClass));
    BOOST_TEST(away() == before + 20'000);
    give_back(objects);
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  }));
}

BOOST_AUTO_TEST_CASE(objects_too_large_for_slabs_come_in_bursts_too) {
  run_thread([] {
    B<Huge> allocator;
    B<Huge>::multiallocation_chain chain;
    allocator.allocate_individual(50, chain);
    BOOST_TEST(chain.size() == 50u);
    for (Huge& huge : chain) std::fill(huge.bytes + sizeof(void*), std::end(huge.bytes), std::byte{1});
    BOOST_TEST(are_distinct(objects_of<B<Huge>>(chain)));
    Huge* const first = chain.pop_front();
    allocator.deallocate(first, 1);
    chain.push_back(allocator.allocate_one());
    allocator.deallocate_individual(chain);
    BOOST_TEST((local_heap<>.heap() == nullptr));
  });
}

BOOST_AUTO_TEST_CASE(a_burst_that_exceeds_the_address_space_is_refused_at_once) {
  Chain chain;
  BOOST_CHECK_THROW(B<Node>{}.allocate_individual(SIZE_MAX / 2, chain), std::bad_array_new_length);
  BOOST_TEST(chain.empty());
}

BOOST_AUTO_TEST_CASE(a_burst_that_fails_in_the_middle_takes_nothing_and_leaves_the_chain_as_it_was) {
  constexpr std::size_t kCount = 200'000;
  for (std::size_t n = 1; n != 4; ++n) {
    FreshHeaps fresh;
    bool is_refused = false, is_as_before = false;
    run_thread([&] {
      Chain chain;
      B<Node> allocator;
      allocator.allocate_individual(10, chain);
      const Objects before = objects_of<B<Node>>(chain);
      fresh.pages().fail_from(n);
      try {
        allocator.allocate_individual(kCount, chain);
      } catch (const std::bad_alloc&) {
        is_refused = true;
      }
      is_as_before = objects_of<B<Node>>(chain) == before && chain.size() == 10 &&
                     census_of(*local_heap<>.heap()).away() == 10;
      fresh.pages().fail_never();
      allocator.allocate_individual(kCount, chain);
      allocator.deallocate_individual(chain);
    });
    BOOST_TEST(is_refused);
    BOOST_TEST(is_as_before);
    BOOST_TEST(census_of(*fresh.parked().front()).away() == 0u);
    BOOST_TEST(complaint_about(*fresh.parked().front()) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_burst_is_freed_by_another_thread_among_that_threads_own) {
  BOOST_TEST(leaves_nothing([] {
    const Objects mine = burst(5'000);
    BOOST_TEST(leaves_nothing([&] {
      const Objects own = burst(5'000);
      Objects mixed;
      for (std::size_t i = 0; i != own.size(); i += 50) {
        mixed.insert(mixed.end(), mine.begin() + static_cast<long>(i),
                     mine.begin() + static_cast<long>(i) + 50);
        mixed.insert(mixed.end(), own.begin() + static_cast<long>(i),
                     own.begin() + static_cast<long>(i) + 50);
      }
      give_back(mixed);
    }));
  }));
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_containers_sends_all_home) {
  BOOST_TEST(leaves_nothing([] {
    bc::list<long, B<long>> list(3'000, 7);
    bc::map<long, long, Less, B<Pair>> map;
    for (long i = 0; i != 1'000; ++i) map[i] = i;
    run_thread([&] {
      list.clear();
      map.clear();
    });
  }));
}

BOOST_AUTO_TEST_CASE(a_command_for_a_new_array_gives_the_larger_count_and_says_so) {
  run_thread([] {
    B<long> allocator;
    long old = 0;
    long* reuse = &old;
    std::size_t count = 20;
    long* const p = allocator.allocation_command(bc::allocate_new | bc::expand_fwd, 10, count, reuse);
    BOOST_TEST(count == 20u);
    BOOST_TEST(reuse == nullptr);
    std::fill_n(p, count, 7);
    allocator.deallocate(p, count);
    count = 5;
    long* const q = allocator.allocation_command(bc::allocate_new, 10, count, reuse);
    BOOST_TEST(count == 10u);
    allocator.deallocate(q, count);
    BOOST_TEST((local_heap<>.heap() == nullptr));
  });
}

BOOST_AUTO_TEST_CASE(a_command_for_a_new_array_of_one_is_freed_as_one) {
  BOOST_TEST(leaves_nothing([] {
    B<Node> allocator;
    const std::size_t before = away();
    for (const unsigned command : {bc::allocate_new, bc::allocate_new | bc::nothrow_allocation}) {
      Node* reuse = nullptr;
      std::size_t count = 1;
      Node* const p = allocator.allocation_command(command, 1, count, reuse);
      BOOST_TEST(count == 1u);
      BOOST_TEST(away() == before + 1);
      allocator.deallocate(p, 1);
    }
  }));
}

BOOST_AUTO_TEST_CASE(a_command_for_an_array_whose_bytes_overflow_is_refused) {
  Node* reuse = nullptr;
  std::size_t count = SIZE_MAX / sizeof(Node) + 2;  // in bytes that is no more than one
  BOOST_TEST((B<Node>{}.allocation_command(bc::allocate_new | bc::nothrow_allocation, count, count, reuse) ==
              nullptr));
  BOOST_CHECK_THROW(std::ignore = B<Node>{}.allocation_command(bc::allocate_new, count, count, reuse),
                    std::bad_array_new_length);
}

BOOST_AUTO_TEST_CASE(a_command_to_expand_or_shrink_is_refused_without_an_exception) {
  B<long> allocator;
  long* const p = allocator.allocate(10);
  for (const unsigned command :
       {bc::expand_fwd, bc::expand_bwd, bc::shrink_in_place, bc::try_shrink_in_place,
        bc::expand_fwd | bc::nothrow_allocation, bc::shrink_in_place | bc::nothrow_allocation}) {
    long* reuse = p;
    std::size_t count = 12;
    BOOST_TEST(allocator.allocation_command(command, 11, count, reuse) == nullptr);
    BOOST_TEST(count == 12u);
    BOOST_TEST(reuse == nullptr);
  }
  allocator.deallocate(p, 10);
}

BOOST_AUTO_TEST_CASE(a_command_throws_when_memory_is_out_unless_it_must_not) {
  FreshHeaps fresh;
  fresh.pages().fail_from(1);
  bool is_thrown = false, is_null = false;
  run_thread([&] {
    B<Node> allocator;
    Node* reuse = nullptr;
    std::size_t count = 1;
    try {
      count = allocator.allocation_command(bc::allocate_new, 1, count, reuse) == nullptr ? 0 : 1;
    } catch (const std::bad_alloc&) {
      is_thrown = true;
    }
    is_null =
        allocator.allocation_command(bc::allocate_new | bc::nothrow_allocation, 1, count, reuse) == nullptr;
    count = SIZE_MAX / 2;
    is_null = is_null && allocator.allocation_command(bc::allocate_new | bc::nothrow_allocation, 1, count,
                                                      reuse) == nullptr;
  });
  BOOST_TEST(is_thrown);
  BOOST_TEST(is_null);
}

BOOST_AUTO_TEST_CASE(a_command_that_asks_for_zeros_gets_them) {
  B<long> allocator;
  for (const unsigned command : {bc::allocate_new, bc::allocate_new | bc::nothrow_allocation}) {
    long* const used = allocator.allocate(100);
    std::fill_n(used, 100, 7);
    allocator.deallocate(used, 100);
    long* reuse = nullptr;
    std::size_t count = 100;
    long* const p = allocator.allocation_command(command | bc::zero_memory, 10, count, reuse);
    BOOST_TEST(std::count(p, p + 100, 0) == 100);
    allocator.deallocate(p, count);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_container_is_built_from_a_range_copied_moved_and_cleared, Container, All) {
  BOOST_TEST(leaves_nothing([] {
    const auto source = elements<Container>(0, 5'000);
    Container container(source.begin(), source.end());
    BOOST_TEST(container.size() == source.size());
    BOOST_TEST(holds(container, source));
    Container copy(container);
    BOOST_TEST(holds(copy, source));
    container.clear();
    BOOST_TEST(container.empty());
    container = copy;
    Container moved(boost::move(copy));
    moved.swap(container);
    BOOST_TEST(moved.size() == source.size());
    container.erase(std::next(container.begin(), 10), std::next(container.begin(), 4'000));
    BOOST_TEST(container.size() == source.size() - 3'990);
  }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_range_is_inserted_in_the_middle_of_a_sequence, Container, Sequences) {
  BOOST_TEST(leaves_nothing([] {
    const auto front = elements<Container>(0, 100), back = elements<Container>(3'000, 3'100);
    const auto middle = elements<Container>(100, 3'000), all = elements<Container>(0, 3'100);
    Container container(front.begin(), front.end());
    container.insert(container.end(), back.begin(), back.end());
    container.insert(std::next(container.begin(), 100), middle.begin(), middle.end());
    BOOST_TEST(holds(container, all));
    container.resize(50);
    container.assign(middle.begin(), middle.end());
    BOOST_TEST(holds(container, middle));
  }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_range_is_inserted_into_an_associative_container_and_keys_erased, Container,
                              Associative) {
  BOOST_TEST(leaves_nothing([] {
    const auto source = elements<Container>(0, 2'000);
    Container container;
    container.insert(source.rbegin(), source.rend());
    BOOST_TEST(holds(container, source));
    for (long key = 0; key != 2'000; key += 2) container.erase(key);
    BOOST_TEST(container.erase(-1) == 0u);
    BOOST_TEST(container.size() == 1'000u);
    Container others(source.begin(), source.end());
    others.merge(container);
    BOOST_TEST(others.size() >= 2'000u);
  }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(lists_are_spliced_merged_sorted_and_reversed, List, Lists) {
  BOOST_TEST(leaves_nothing([] {
    const auto low = elements<List>(0, 1'000), high = elements<List>(1'000, 3'000);
    List one(low.begin(), low.end()), other(high.begin(), high.end());
    one.splice(one.begin(), other);
    BOOST_TEST(one.size() == 3'000u);
    BOOST_TEST(other.empty());
    one.reverse();
    one.sort();
    BOOST_TEST(std::is_sorted(one.begin(), one.end()));
    List more(low.begin(), low.end());
    more.sort();
    one.merge(more);
    one.unique();
    one.remove_if([](long value) { return value % 3 == 0; });
    BOOST_TEST(one.size() == 2'000u);
  }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nodes_change_trees_by_handles, Tree, Trees) {
  BOOST_TEST(leaves_nothing([] {
    const auto source = elements<Tree>(0, 1'000);
    Tree one(source.begin(), source.end()), other;
    for (long key = 0; key != 1'000; key += 2) other.insert(one.extract(key));
    { const auto dropped = one.extract(1); }
    BOOST_TEST(one.size() == 499u);
    BOOST_TEST(other.size() == 500u);
    Tree ordered(bc::ordered_unique_range, source.begin(), source.end());
    BOOST_TEST(ordered.size() == 1'000u);
  }));
}

BOOST_AUTO_TEST_CASE(a_stable_vector_takes_nodes_from_a_pool_and_gives_it_back) {
  BOOST_TEST(leaves_nothing([] {
    const std::size_t before = away();
    bc::stable_vector<long, B<long>> values;
    values.reserve(3'000);
    BOOST_TEST(away() == before + 3'000);
    values.assign(2'000, 7);
    const long* const first = &values.front();
    values.insert(values.begin(), 1'000, 3);
    BOOST_TEST(&values[1'000] == first);
    values.resize(100);
    values.shrink_to_fit();
    BOOST_TEST(away() == before + 100);
  }));
}

BOOST_AUTO_TEST_CASE(a_vector_that_cannot_expand_in_place_says_so_or_moves) {
  bc::vector<long, B<long>> values(10, 7);
  values.shrink_to_fit();
  while (values.size() != values.capacity()) values.push_back(8);
  BOOST_TEST(!values.stable_emplace_back(9));
  const std::size_t capacity = values.capacity();
  values.resize(capacity + 1);
  BOOST_TEST(values.capacity() > capacity);
  values.resize(1);
  values.shrink_to_fit();
  BOOST_TEST(values.size() == 1u);
  BOOST_TEST(values.capacity() > capacity);
  values.clear();
  values.shrink_to_fit();
  BOOST_TEST(values.capacity() == 0u);
}

BOOST_AUTO_TEST_CASE(a_small_vector_outgrows_its_inner_room) {
  bc::small_vector<long, 4, B<long>> values;
  for (long i = 0; i != 1'000; ++i) values.push_back(i);
  BOOST_TEST(values[999] == 999);
}

BOOST_AUTO_TEST_CASE(a_string_grows_shrinks_and_moves) {
  using String = bc::basic_string<char, std::char_traits<char>, B<char>>;
  String text;
  for (int i = 0; i != 1'000; ++i) text += static_cast<char>('a' + i % 26);
  text.erase(0, 500);
  text.shrink_to_fit();
  const String moved = boost::move(text);
  BOOST_TEST(moved.size() == 500u);
  BOOST_TEST(moved.back() == 'l');
}

BOOST_AUTO_TEST_CASE(standard_containers_work_over_it) {
  BOOST_TEST(leaves_nothing([] {
    std::list<long, B<long>> list(1'000, 7);
    std::map<long, long, Less, B<Pair>> map;
    for (long i = 0; i != 1'000; ++i) map[i] = i;
    const std::vector<long, B<long>> vector(list.begin(), list.end());
    const auto shared = std::allocate_shared<long>(B<long>{}, 5);
    BOOST_TEST(list.size() + map.size() + vector.size() + static_cast<std::size_t>(*shared) == 3'005u);
  }));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_element_that_throws_in_a_range_leaves_nothing_behind, Container, Ranged) {
  std::vector<Fragile> source;
  for (long i = 0; i != 50; ++i) source.emplace_back(i);
  for (long refused = 0; refused != kRefusable; ++refused) {
    bool is_refused = false;
    long alive = 0;
    BOOST_TEST(leaves_at_most(kLostByBoost, [&] {
      Container container(source.begin(), source.begin() + 10);
      const long before = Fragile::alive;
      Fragile::left = refused;
      try {
        Container built(source.begin(), source.end());
      } catch (const Refused&) {
        is_refused = true;
      }
      alive = Fragile::alive - before;
      Fragile::left = -1;
    }));
    BOOST_TEST(is_refused);
    BOOST_TEST(alive == 0);
    BOOST_TEST(Fragile::alive == 50);
  }
}

BOOST_AUTO_TEST_CASE(an_element_that_throws_in_a_range_insert_leaves_a_valid_list_and_nothing_else) {
  const std::vector<Fragile> source(50, Fragile(1));
  for (long refused = 0; refused != kRefusable; ++refused) {
    bool is_refused = false;
    BOOST_TEST(leaves_at_most(kLostByBoost, [&] {
      const std::size_t before = away();
      bc::list<Fragile, B<Fragile>> list(source.begin(), source.end());
      Fragile::left = refused;
      try {
        list.insert(list.begin(), source.begin(), source.end());
      } catch (const Refused&) {
        is_refused = true;
      }
      Fragile::left = -1;
      BOOST_TEST(away() >= before + list.size());
      BOOST_TEST(away() <= before + list.size() + kLostByBoost);
      BOOST_TEST(list.back().value == 1);
    }));
    BOOST_TEST(is_refused);
    BOOST_TEST(Fragile::alive == 50);
  }
}

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  const std::vector<long> day(1'000, 7);
  boost::container::list<long, flux::BurstAllocator<long>> ticks(day.begin(),
                                                                 day.end());  // all nodes at once
  boost::container::list<long, flux::BurstAllocator<long, Orders>> orders;
  orders.insert(orders.end(), ticks.begin(), ticks.end());
  ticks.clear();  // all nodes at once
  BOOST_TEST(orders.size() == day.size());
  BOOST_TEST(ticks.empty());
}

BOOST_AUTO_TEST_SUITE_END()
