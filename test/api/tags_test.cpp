// Objects of different tags live in memory of their own, and are otherwise as those of no tag.
#include <algorithm>
#include <boost/container/list.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <type_traits>
#include <vector>

#include "support/HeapCensus.hpp"
#include "support/HeapObjects.hpp"
#include "support/InChild.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(tags)

namespace {

using namespace flux::test;
using flux::detail::local_bins;
using flux::detail::local_heap;
using flux::detail::no_bins;
using flux::detail::ThreadHeap;

struct Orders;  // tags need not be complete
struct Trades;

struct Node {
  std::byte bytes[48];
};
constexpr unsigned kClass = flux::detail::size_class_of(sizeof(Node), alignof(Node));

template <class Tag>
std::vector<Node*> make(std::size_t count) {
  flux::Allocator<Node, Tag> allocator;
  std::vector<Node*> nodes;
  for (std::size_t i = 0; i != count; ++i) {
    nodes.push_back(allocator.allocate(1));
    nodes.back()->bytes[0] = std::byte{1};
  }
  return nodes;
}

template <class Tag>
void drop(const std::vector<Node*>& nodes) {
  flux::Allocator<Node, Tag> allocator;
  for (Node* node : nodes) allocator.deallocate(node, 1);
}

/// Where the units of 64 KiB lie that objects are in.
std::set<std::uintptr_t> units_of(const std::vector<Node*>& nodes) {
  std::set<std::uintptr_t> units;
  for (const Node* node : nodes)
    units.insert(reinterpret_cast<std::uintptr_t>(node) / flux::detail::kUnitBytes);
  return units;
}

bool are_disjoint(const std::set<std::uintptr_t>& some, const std::set<std::uintptr_t>& others) {
  return std::ranges::none_of(some, [&](std::uintptr_t unit) { return others.contains(unit); });
}

/// Objects of the thread's heap that are not home: a heap that the thread adopted may have come with some.
template <class Tag>
std::size_t away() {
  drop<Tag>(make<Tag>(1));
  settle(*local_heap<Tag>.heap());
  return census_of(*local_heap<Tag>.heap()).away();
}

}  // namespace

BOOST_AUTO_TEST_CASE(containers_of_different_tags_are_different_types) {
  using A = flux::Allocator<int, Orders>;
  using B = flux::Allocator<int, Trades>;
  static_assert(!std::is_same_v<std::list<int, A>, std::list<int, B>>);
  static_assert(!std::is_convertible_v<B, A> && !std::is_constructible_v<A, B>);
  static_assert(!std::is_constructible_v<A, flux::Allocator<int>>);
  static_assert(std::is_convertible_v<flux::Allocator<long, Orders>, A>);
  static_assert(std::is_same_v<flux::Allocator<int>, flux::Allocator<int, void>>);
  static_assert(std::is_empty_v<A> && std::allocator_traits<A>::is_always_equal::value);
  BOOST_TEST((A{} == flux::Allocator<long, Orders>{}));
}

BOOST_AUTO_TEST_CASE(rebind_keeps_the_tag) {
  using A = flux::Allocator<int, Orders>;
  static_assert(std::is_same_v<A::rebind<long>::other, flux::Allocator<long, Orders>>);
  static_assert(std::is_same_v<std::allocator_traits<A>::rebind_alloc<Node>, flux::Allocator<Node, Orders>>);
  static_assert(std::is_same_v<flux::Allocator<void, Orders>::rebind<int>::other, A>);
  run_thread([] {
    std::map<int, int, std::less<int>, flux::Allocator<std::pair<const int, int>, Orders>> map;
    boost::container::list<int, A> list;
    for (int i = 0; i != 1000; ++i) {
      map[i] = i;
      list.push_back(i);
    }
    BOOST_TEST(away<Orders>() >= 2000u);
    BOOST_TEST((local_heap<>.heap() == nullptr));  // none of it came from the heap of no tag
    map.clear();
    list.clear();
    BOOST_TEST(away<Orders>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(objects_of_different_tags_never_share_a_slab) {
  run_thread([] {
    const std::size_t before = away<void>();
    std::vector<Node*> orders, trades, others;
    for (int round = 0; round != 50; ++round) {
      for (Node* node : make<Orders>(100)) orders.push_back(node);
      for (Node* node : make<Trades>(100)) trades.push_back(node);
      for (Node* node : make<void>(100)) others.push_back(node);
    }
    BOOST_TEST(are_disjoint(units_of(orders), units_of(trades)));
    BOOST_TEST(are_disjoint(units_of(orders), units_of(others)));
    BOOST_TEST(are_disjoint(units_of(trades), units_of(others)));
    BOOST_TEST(away<Orders>() == orders.size());
    BOOST_TEST(away<Trades>() == trades.size());
    BOOST_TEST(away<void>() - before == others.size());
    drop<Orders>(orders);
    drop<Trades>(trades);
    drop<void>(others);
  });
}

BOOST_AUTO_TEST_CASE(memory_of_a_tag_never_serves_another_even_when_all_its_objects_are_freed) {
  run_thread([] {
    const std::vector<Node*> orders = make<Orders>(20'000);
    drop<Orders>(orders);
    const std::vector<Node*> trades = make<Trades>(20'000);
    BOOST_TEST(are_disjoint(units_of(orders), units_of(trades)));
    drop<Trades>(trades);
    const std::vector<Node*> again = make<Orders>(20'000);
    BOOST_TEST(!are_disjoint(units_of(again), units_of(orders)));
    drop<Orders>(again);
  });
}

BOOST_AUTO_TEST_CASE(a_tags_objects_go_home_from_any_thread) {
  run_thread([] {
    const std::vector<Node*> orders = make<Orders>(10'000);
    const std::vector<Node*> trades = make<Trades>(10'000);
    run_thread([&] {
      for (std::size_t i = 0; i != orders.size(); ++i) {  // one chain each is filled at a time
        drop<Orders>({orders[i]});
        drop<Trades>({trades[i]});
      }
    });
    BOOST_TEST(away<Orders>() == 0u);
    BOOST_TEST(away<Trades>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(a_threads_heaps_of_all_tags_are_parked_when_it_ends_and_adopted_by_the_next_of_the_tag) {
  struct A;
  struct B;
  ThreadHeap* a = nullptr;
  ThreadHeap* b = nullptr;
  run_thread([&] {
    drop<A>(make<A>(10));
    drop<B>(make<B>(10));
    a = local_heap<A>.heap();
    b = local_heap<B>.heap();
  });
  BOOST_TEST(a != b);
  run_thread([&] {
    drop<B>(make<B>(10));
    BOOST_TEST((local_heap<B>.heap() == b));
    BOOST_TEST((local_heap<A>.heap() == nullptr));
    BOOST_TEST((local_bins<A> == &no_bins));
    drop<A>(make<A>(10));
    BOOST_TEST((local_heap<A>.heap() == a));
  });
}

BOOST_AUTO_TEST_CASE(a_tags_objects_outlive_their_thread) {
  std::vector<Node*> orders;
  run_thread([&] { orders = make<Orders>(5'000); });
  ThreadHeap* const owner = ThreadHeap::owner_of(orders.front());
  run_thread([&] { drop<Orders>(orders); });
  run_thread([&] {
    drop<Orders>(make<Orders>(1));
    BOOST_TEST((local_heap<Orders>.heap() == owner));
    BOOST_TEST(away<Orders>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(trim_gives_back_the_memory_of_every_tag) {
  const std::size_t bytes = in_child([] {
    struct Mine;
    struct Parked;
    run_thread([] { drop<Parked>(make<Parked>(100'000)); });
    drop<Mine>(make<Mine>(100'000));
    drop<void>(make<void>(100'000));
    return flux::trim();
  });
  BOOST_TEST(bytes >= 3 * 100'000 * sizeof(Node));
}

BOOST_AUTO_TEST_CASE(reserve_makes_a_tags_memory_ready) {
  struct Mine;
  run_thread([] {
    flux::reserve<Node, Mine>(10'000);
    BOOST_TEST((local_heap<>.heap() == nullptr));
    std::set<std::uintptr_t> units;
    std::vector<Node*> nodes = make<Mine>(10'000);
    const std::size_t slabs = (nodes.size() + flux::detail::kSizeClassInfo[kClass].capacity - 1) /
                              flux::detail::kSizeClassInfo[kClass].capacity;
    BOOST_TEST(units_of(nodes).size() <= slabs + 1);
    drop<Mine>(nodes);
  });
}

BOOST_AUTO_TEST_CASE(an_allocator_with_a_tag_works_in_constant_evaluation) {
  constexpr int sum = [] {
    flux::Allocator<int, Orders> allocator;
    int* const values = allocator.allocate(3);
    for (int i = 0; i != 3; ++i) std::construct_at(values + i, i + 1);
    const int total = values[0] + values[1] + values[2];
    std::destroy_n(values, 3);
    allocator.deallocate(values, 3);
    return total;
  }();
  BOOST_TEST(sum == 6);
}

BOOST_AUTO_TEST_SUITE_END()
