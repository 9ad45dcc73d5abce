// Elements whose constructors throw: no element and no memory is left behind.
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/slist.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <flux/flux.hpp>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <tuple>
#include <unordered_set>
#include <vector>

namespace {

struct Refused : std::runtime_error {
  Refused() : std::runtime_error("refused") {}
};

// Counts its objects; the construction number `refuse_at` throws.
struct Fragile {
  explicit Fragile(int given = 0) : value(given) { admit(); }
  Fragile(const Fragile& other) : value(other.value) { admit(); }
  Fragile& operator=(const Fragile&) = default;
  ~Fragile() { --alive; }

  static void refuse_after(long count) { refuse_at = made + count; }
  static void refuse_never() { refuse_at = -1; }

  void admit() const {
    addresses.insert(this);
    if (made++ == refuse_at) throw Refused();
    ++alive;
  }
  friend bool operator<(const Fragile& one, const Fragile& other) { return one.value < other.value; }
  friend bool operator==(const Fragile& one, const Fragile& other) { return one.value == other.value; }

  int value;
  static inline long alive = 0;
  static inline long made = 0;
  static inline long refuse_at = -1;
  static inline std::set<const void*> addresses;
};

struct HashOfFragile {
  std::size_t operator()(const Fragile& fragile) const { return static_cast<std::size_t>(fragile.value); }
};

template <class T>
using A = flux::Allocator<T>;
// Without boost::container::stable_vector: when an element throws, that of Boost 1.74 writes to a node it has
// freed, with every allocator.
using Sequences = std::tuple<std::list<Fragile, A<Fragile>>, std::vector<Fragile, A<Fragile>>,
                             std::deque<Fragile, A<Fragile>>, boost::container::list<Fragile, A<Fragile>>>;
using Ranged = decltype(std::tuple_cat(
    Sequences{},
    std::tuple<std::forward_list<Fragile, A<Fragile>>, boost::container::slist<Fragile, A<Fragile>>,
               std::multiset<Fragile, std::less<Fragile>, A<Fragile>>,
               std::unordered_multiset<Fragile, HashOfFragile, std::equal_to<Fragile>, A<Fragile>>>{}));

}  // namespace

/// Has a name outside: cases are derived from it.
struct FreshFragile {
  FreshFragile() {
    Fragile::refuse_never();
    Fragile::alive = 0;
    Fragile::addresses.clear();
  }
  ~FreshFragile() { Fragile::refuse_never(); }
};

BOOST_FIXTURE_TEST_SUITE(exceptions, FreshFragile)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_container_built_from_a_range_leaves_nothing_behind, Container, Ranged) {
  const std::vector<Fragile> source(50);
  for (long refused = 0; refused < 50; ++refused) {
    Fragile::refuse_after(refused);
    BOOST_CHECK_THROW(Container(source.begin(), source.end()), Refused);
    BOOST_TEST(Fragile::alive == 50);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(push_back_leaves_the_container_as_it_was, Container, Sequences) {
  Container container;
  for (int i = 0; i < 100; ++i) {
    Fragile::refuse_after(0);
    BOOST_CHECK_THROW(container.emplace_back(i), Refused);
    BOOST_TEST(container.size() == static_cast<std::size_t>(i));
    Fragile::refuse_never();
    container.emplace_back(i);
  }
  BOOST_TEST(Fragile::alive == 100);
  BOOST_TEST(container.back().value == 99);
}

BOOST_AUTO_TEST_CASE(a_map_leaves_no_node_behind) {
  std::map<int, Fragile, std::less<int>, A<std::pair<const int, Fragile>>> map;
  boost::container::map<int, Fragile, std::less<int>, A<std::pair<const int, Fragile>>> boost_map;
  for (int i = 0; i < 100; ++i) {
    Fragile::refuse_after(0);
    BOOST_CHECK_THROW(map.try_emplace(i, i), Refused);
    Fragile::refuse_after(0);
    BOOST_CHECK_THROW(boost_map.try_emplace(i, i), Refused);
    Fragile::refuse_never();
    map.try_emplace(i, i);
    boost_map.try_emplace(i, i);
  }
  BOOST_TEST(Fragile::alive == 200);
}

BOOST_AUTO_TEST_CASE(a_refused_shared_object_leaves_no_control_block_behind) {
  Fragile::refuse_after(0);
  BOOST_CHECK_THROW(std::allocate_shared<Fragile>(A<Fragile>{}, 1), Refused);
  BOOST_TEST(Fragile::alive == 0);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_refused_elements_take_no_more_memory_than_a_few) {
  std::list<Fragile, A<Fragile>> list;
  for (int i = 0; i < 100'000; ++i) {
    Fragile::refuse_after(0);
    try {
      list.emplace_back(i);
    } catch (const Refused&) {
    }
  }
  BOOST_TEST(list.empty());
  BOOST_TEST(Fragile::addresses.size() <= 10u);
}

BOOST_AUTO_TEST_SUITE_END()
