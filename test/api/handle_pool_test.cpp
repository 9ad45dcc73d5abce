// Handles name objects for as long as these live; every other handle names nothing, and does no harm.
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/flux.hpp>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/InChild.hpp"
#include "support/Memory.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"
#include "support/Tracked.hpp"

namespace {

using namespace flux::test;
using flux::detail::block_directory;
using flux::detail::kLastGeneration;

using Pool = flux::HandlePool<Tracked>;
using Handle = flux::Handle<Tracked>;

// What the documentation shows.
struct Order {
  long price;
  int quantity;
};

struct Node;  // a handle needs no complete type
struct Node {
  flux::Handle<Node> next;
  int value = 0;
};

flux::HandlePool<Node> static_pool;
constinit flux::HandlePool<Order> constant_pool;

std::vector<Handle> create(Pool& pool, std::size_t count) {
  std::vector<Handle> handles;
  for (std::size_t i = 0; i != count; ++i) handles.push_back(pool.create(i));
  return handles;
}

/// How many of the handles a pool takes for its own.
std::size_t known(const Pool& pool, const std::vector<Handle>& handles) {
  return static_cast<std::size_t>(
      std::ranges::count_if(handles, [&](Handle handle) { return pool.contains(handle); }));
}

/// Nothing happens with these handles, whatever is asked.
bool are_stale(Pool& pool, const std::vector<Handle>& handles) {
  const std::size_t before = pool.size();
  return std::ranges::all_of(handles,
                             [&](Handle handle) {
                               return pool.get(handle) == nullptr && !pool.contains(handle) &&
                                      std::as_const(pool).get(handle) == nullptr && !pool.destroy(handle);
                             }) &&
         pool.size() == before;
}

std::uint64_t generation_of(Handle handle) { return flux::detail::generation_of(handle.to_bits()); }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(handle_pool, FreshCounts)

BOOST_AUTO_TEST_CASE(an_example_of_use) {
  flux::HandlePool<Order> orders;
  const flux::Handle<Order> first = orders.create(100L, 5);
  const flux::Handle<Order> second = orders.create(101L, 7);

  if (Order* const order = orders.get(first)) order->quantity -= 2;
  BOOST_TEST(orders.get(first)->quantity == 3);

  BOOST_TEST(orders.destroy(first));
  BOOST_TEST(!orders.destroy(first));  // again: nothing happens
  BOOST_TEST(orders.get(first) == nullptr);

  const flux::Handle<Order> third = orders.create(99L, 1);  // where the first one was
  BOOST_TEST((third != first));
  BOOST_TEST(orders.get(first) == nullptr);

  long volume = 0;
  orders.for_each([&](flux::Handle<Order>, const Order& order) { volume += order.quantity; });
  BOOST_TEST(volume == 8);

  const std::uint64_t bits = second.to_bits();  // to be stored, or sent and come back
  BOOST_TEST(orders.get(flux::Handle<Order>::from_bits(bits))->price == 101);
}

BOOST_AUTO_TEST_CASE(a_handle_is_64_bits_that_are_copied_compared_and_hashed) {
  static_assert(sizeof(Handle) == 8 && std::is_trivially_copyable_v<Handle>);
  static_assert(std::is_standard_layout_v<Handle> && std::is_nothrow_default_constructible_v<Handle>);
  static_assert(std::three_way_comparable<Handle, std::strong_ordering> && std::totally_ordered<Handle>);
  static_assert(!std::is_convertible_v<std::uint64_t, Handle> &&
                !std::is_convertible_v<Handle, std::uint64_t>);
  static_assert(!std::is_constructible_v<Handle, flux::Handle<Order>>);
  static_assert(Handle{}.to_bits() == 0 && Handle::from_bits(77).to_bits() == 77);
  static_assert(Handle::from_bits(1) < Handle::from_bits(2) && Handle::from_bits(3) == Handle::from_bits(3));
  Pool pool;
  const std::vector<Handle> handles = create(pool, 1000);
  BOOST_TEST(std::set<Handle>(handles.begin(), handles.end()).size() == 1000u);
  BOOST_TEST(std::unordered_set<Handle>(handles.begin(), handles.end()).size() == 1000u);
  std::set<std::size_t> hashes;
  for (const Handle handle : handles) hashes.insert(std::hash<Handle>{}(handle) % 4096);
  BOOST_TEST(hashes.size() >= 750u);  // of 1,000 at random, 888 differ
  for (const Handle handle : handles) BOOST_TEST((Handle::from_bits(handle.to_bits()) == handle));
}

BOOST_AUTO_TEST_CASE(a_handle_has_at_least_32_bits_of_generation) {
  static_assert(flux::detail::kGenerationBits >= 32);
  Pool pool;
  Handle handle = pool.create();
  BOOST_TEST(generation_of(handle) >= 1u);
  for (int i = 0; i != 1000; ++i) {
    const Handle before = handle;
    pool.destroy(handle);
    handle = pool.create();
    BOOST_TEST(generation_of(handle) == generation_of(before) + 1);
    BOOST_TEST(flux::detail::index_of(handle.to_bits()) == flux::detail::index_of(before.to_bits()));
  }
}

BOOST_AUTO_TEST_CASE(get_finds_the_object_that_create_made_until_destroy) {
  Pool pool;
  const std::vector<Handle> handles = create(pool, 5000);
  std::set<const Tracked*> objects;
  for (std::size_t i = 0; i != handles.size(); ++i) {
    BOOST_REQUIRE(pool.get(handles[i]) != nullptr);
    BOOST_TEST(pool.get(handles[i])->value == i);
    BOOST_TEST(pool.contains(handles[i]));
    BOOST_TEST(std::as_const(pool).get(handles[i]) == pool.get(handles[i]));
    objects.insert(pool.get(handles[i]));
  }
  BOOST_TEST(objects.size() == handles.size());
  BOOST_TEST(pool.size() == handles.size());
  for (std::size_t i = 0; i < handles.size(); i += 2) BOOST_TEST(pool.destroy(handles[i]));
  for (std::size_t i = 0; i != handles.size(); ++i) {
    BOOST_TEST(pool.contains(handles[i]) == (i % 2 == 1));
    BOOST_TEST((pool.get(handles[i]) != nullptr) == (i % 2 == 1));
  }
  BOOST_TEST(pool.size() == handles.size() / 2);
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_CASE(the_default_handle_names_nothing) {
  Pool pool;
  BOOST_TEST(are_stale(pool, {Handle{}}));
  const std::vector<Handle> handles = create(pool, 2000);
  BOOST_TEST(are_stale(pool, {Handle{}}));
  BOOST_TEST((std::ranges::find(handles, Handle{}) == handles.end()));
}

BOOST_AUTO_TEST_CASE(a_handle_stays_stale_however_often_its_place_is_used_again) {
  Pool pool;
  std::vector<Handle> stale;
  for (int i = 0; i != 20'000; ++i) {
    const Handle handle = pool.create();
    BOOST_TEST(pool.destroy(handle));
    stale.push_back(handle);
  }
  const std::vector<Handle> live = create(pool, 200);
  BOOST_TEST(are_stale(pool, stale));
  BOOST_TEST(known(pool, live) == live.size());
  std::ranges::sort(stale);
  BOOST_TEST((std::ranges::adjacent_find(stale) == stale.end()));
}

BOOST_AUTO_TEST_CASE(a_doubled_destroy_destroys_once) {
  Pool pool;
  const std::vector<Handle> handles = create(pool, 1000);
  for (const Handle handle : handles) {
    BOOST_TEST(pool.destroy(handle));
    BOOST_TEST(!pool.destroy(handle));
  }
  BOOST_TEST(are_stale(pool, handles));
  BOOST_TEST(Tracked::destroyed == 1000u);
  BOOST_TEST(pool.size() == 0u);
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_CASE(another_pools_handles_name_nothing) {
  Pool pool, other;
  const std::vector<Handle> mine = create(pool, 3000), others = create(other, 3000);
  BOOST_TEST(are_stale(pool, others));
  BOOST_TEST(are_stale(other, mine));
  BOOST_TEST(known(pool, mine) == 3000u);
  BOOST_TEST(known(other, others) == 3000u);
}

BOOST_AUTO_TEST_CASE(a_dead_pools_handles_name_nothing_in_any_pool_that_comes_after_it) {
  std::vector<Handle> dead;
  std::set<const Tracked*> places;
  for (int round = 0; round != 20; ++round) {
    Pool pool;
    const std::vector<Handle> handles = create(pool, 2500);
    BOOST_TEST(are_stale(pool, dead));
    BOOST_TEST(known(pool, handles) == handles.size());
    for (std::size_t i = 0; i < handles.size(); i += 3) pool.destroy(handles[i]);
    dead.insert(dead.end(), handles.begin(), handles.end());
    const std::vector<Handle> more = create(pool, 500);
    BOOST_TEST(are_stale(pool, {handles.front()}));
    dead.insert(dead.end(), more.begin(), more.end());
  }
  Pool pool;
  BOOST_TEST(are_stale(pool, dead));
  std::ranges::sort(dead);
  BOOST_TEST((std::ranges::adjacent_find(dead) == dead.end()));
}

BOOST_AUTO_TEST_CASE(a_new_pool_at_a_dead_ones_address_does_not_know_its_handles) {
  std::optional<Pool> pool;
  std::vector<Handle> dead;
  const void* address = nullptr;
  for (int round = 0; round != 20; ++round) {
    pool.emplace();
    BOOST_TEST((address == nullptr || address == &*pool));
    address = &*pool;
    BOOST_TEST(are_stale(*pool, dead));
    const std::vector<Handle> handles = create(*pool, 1500);
    BOOST_TEST(are_stale(*pool, dead));
    dead.insert(dead.end(), handles.begin(), handles.end());
    pool.reset();
  }
  BOOST_TEST(Tracked::alive() == 0u);
}

BOOST_AUTO_TEST_CASE(a_pool_that_ends_destroys_its_objects_and_each_once) {
  {
    Pool pool;
    const std::vector<Handle> handles = create(pool, 4000);
    for (std::size_t i = 0; i != 1000; ++i) pool.destroy(handles[4 * i]);
    BOOST_TEST(Tracked::alive() == 3000u);
  }
  BOOST_TEST(Tracked::alive() == 0u);
  BOOST_TEST(Tracked::made == 4000u);
  BOOST_TEST(Tracked::damaged == 0u);
}

BOOST_AUTO_TEST_CASE(clear_destroys_all_objects_and_keeps_the_pool_usable) {
  Pool pool;
  std::vector<Handle> dead;
  for (int round = 0; round != 5; ++round) {
    const std::vector<Handle> handles = create(pool, 3000);
    pool.clear();
    BOOST_TEST(pool.empty());
    BOOST_TEST(Tracked::alive() == 0u);
    dead.insert(dead.end(), handles.begin(), handles.end());
    BOOST_TEST(are_stale(pool, dead));
  }
  BOOST_TEST(Tracked::damaged == 0u);
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_CASE(for_each_visits_every_object_once_with_its_handle) {
  Pool pool;
  const std::vector<Handle> handles = create(pool, 3000);
  std::set<Handle> expected;
  for (std::size_t i = 0; i != handles.size(); ++i)
    if (i % 5 == 0) {
      pool.destroy(handles[i]);
    } else {
      expected.insert(handles[i]);
    }
  std::vector<Handle> seen;
  pool.for_each([&](Handle handle, Tracked& object) {
    BOOST_TEST(pool.get(handle) == &object);
    seen.push_back(handle);
  });
  BOOST_TEST(seen.size() == expected.size());
  BOOST_TEST((std::set<Handle>(seen.begin(), seen.end()) == expected));
  std::size_t visits = 0;
  std::as_const(pool).for_each([&](Handle, auto& object) {
    static_assert(std::is_same_v<decltype(object), const Tracked&>);
    ++visits;
  });
  BOOST_TEST(visits == expected.size());
}

BOOST_AUTO_TEST_CASE(for_each_may_destroy_and_create) {
  Pool pool;
  const std::vector<Handle> handles = create(pool, 2000);
  pool.for_each([&](Handle handle, const Tracked& object) {
    if (object.value >= 2000) return;
    if (object.value % 2 == 0) pool.destroy(handle);
    if (object.value % 3 == 0) static_cast<void>(pool.create(object.value + 10'000));
  });
  BOOST_TEST(known(pool, handles) == 1000u);
  BOOST_TEST(pool.size() == 1000u + 667u);
  BOOST_TEST(Tracked::damaged == 0u);
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_CASE(a_slot_whose_generations_are_used_up_is_retired) {
  const std::uint32_t number = block_directory.take().number;
  block_directory.put(number, kLastGeneration - 2);  // the next block begins near the end
  std::vector<Handle> dead;
  Pool pool;
  const auto is_of_block = [=](Handle handle) {
    return flux::detail::block_of(flux::detail::index_of(handle.to_bits())) == number;
  };
  for (std::size_t i = 0; i != 3; ++i) {
    const std::vector<Handle> handles = create(pool, 1024);
    BOOST_TEST(std::ranges::all_of(handles, is_of_block));
    BOOST_TEST(generation_of(handles[i]) == kLastGeneration - 2 + i);
    BOOST_TEST(known(pool, handles) == handles.size());
    for (const Handle handle : handles) BOOST_TEST(pool.destroy(handle));
    dead.insert(dead.end(), handles.begin(), handles.end());
    BOOST_TEST(pool.is_valid());
    BOOST_TEST(pool.size() == 0u);
  }
  const std::vector<Handle> handles = create(pool, 2000);
  BOOST_TEST(std::ranges::none_of(handles, is_of_block));
  BOOST_TEST(are_stale(pool, dead));
  for (std::uint32_t slot = 0; slot != 1024; ++slot) {  // the generation after the last, and the first
    const std::uint32_t index = number << flux::detail::kSlotBits | slot;
    BOOST_TEST(
        are_stale(pool, {Handle::from_bits(index), Handle::from_bits(flux::detail::slot_word(1, index))}));
  }
  BOOST_TEST(pool.size() == 2000u);
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_CASE(one_slot_may_be_retired_among_others_that_go_on) {
  const std::uint32_t number = block_directory.take().number;
  block_directory.put(number, kLastGeneration - 1000);
  Pool pool;
  std::set<Handle> seen;
  for (int i = 0; i != 5000; ++i) {  // the last one put is the first one taken: slots wear out one by one
    const Handle handle = pool.create();
    BOOST_TEST(seen.insert(handle).second);
    BOOST_TEST(pool.destroy(handle));
  }
  BOOST_TEST(pool.is_valid());
  BOOST_TEST(pool.size() == 0u);
  BOOST_TEST(Tracked::made == Tracked::destroyed);
}

BOOST_AUTO_TEST_CASE(a_pool_that_ends_with_retired_slots_leaves_no_number_that_repeats_handles) {
  const std::uint32_t number = block_directory.take().number;
  block_directory.put(number, kLastGeneration);
  std::vector<Handle> dead;
  {
    Pool pool;
    dead = create(pool, 1024);
    for (const Handle handle : dead) pool.destroy(handle);
  }
  for (int i = 0; i != 3; ++i) {
    Pool pool;
    const std::vector<Handle> handles = create(pool, 1024);
    BOOST_TEST(are_stale(pool, dead));
  }
}

namespace {

struct Refused : std::runtime_error {
  Refused() : std::runtime_error("refused") {}
};

struct Fragile {
  explicit Fragile(bool is_refused) {
    if (is_refused) throw Refused();
  }
  Tracked tracked{};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_constructor_that_throws_leaves_nothing_behind_and_its_place_serves_the_next) {
  flux::HandlePool<Fragile> pool;
  const auto kept = pool.create(false);
  const auto next = pool.create(false);
  pool.destroy(next);
  for (int i = 0; i != 10'000; ++i) {
    BOOST_CHECK_THROW(static_cast<void>(pool.create(true)), Refused);
    BOOST_TEST(pool.size() == 1u);
    BOOST_TEST(pool.get(next) == nullptr);
  }
  const auto after = pool.create(false);
  BOOST_TEST(flux::detail::index_of(after.to_bits()) == flux::detail::index_of(next.to_bits()));
  BOOST_TEST(pool.get(kept) != nullptr);
  BOOST_TEST(pool.get(after) != nullptr);
  BOOST_TEST(pool.size() == 2u);
  BOOST_TEST(Tracked::alive() == 2u);
  BOOST_TEST(pool.is_valid());
}

namespace {

template <std::size_t Bytes, std::size_t Alignment>
struct alignas(Alignment) Shaped {
  unsigned char bytes[Bytes];
};

using Shapes = std::tuple<Shaped<1, 1>, Shaped<3, 1>, Shaped<2, 2>, Shaped<24, 8>, Shaped<16, 16>,
                          Shaped<64, 64>, Shaped<100, 128>, Shaped<1000, 8>, Shaped<4096, 4096>,
                          Shaped<5000, 4096>, Shaped<40'000, 8>, Shaped<300'000, 8>>;

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(objects_of_every_size_and_alignment_lie_aligned_and_apart, T, Shapes) {
  flux::HandlePool<T> pool;
  std::vector<flux::Handle<T>> handles;
  const std::size_t count = std::min<std::size_t>(3000, (std::size_t{8} << 20) / sizeof(T));
  for (int round = 0; round != 3; ++round) {
    while (handles.size() != count) {
      handles.push_back(pool.create());
      T* const object = pool.get(handles.back());
      BOOST_TEST(reinterpret_cast<std::uintptr_t>(object) % alignof(T) == 0u);
      std::memset(object, static_cast<int>(handles.size() % 251), sizeof(T));
    }
    for (std::size_t i = 0; i != count; ++i) {
      const T* const object = pool.get(handles[i]);
      BOOST_REQUIRE(object != nullptr);
      BOOST_TEST(object->bytes[0] == (i + 1) % 251);
      BOOST_TEST(object->bytes[sizeof(T::bytes) - 1] == (i + 1) % 251);
    }
    for (; handles.size() > count / 3; handles.pop_back()) BOOST_TEST(pool.destroy(handles.back()));
  }
  BOOST_TEST(pool.is_valid());
}

namespace {

// Its destructor makes another, and destroys what it was told to.
struct Family {
  Family(flux::HandlePool<Family>& of, int descendants, flux::Handle<Family> other = {})
      : pool(of), left(descendants), victim(other) {}
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    pool.destroy(victim);
    if (left != 0) last_made = pool.create(pool, left - 1, flux::Handle<Family>{});
  }

  flux::HandlePool<Family>& pool;
  int left;
  flux::Handle<Family> victim;
  Tracked tracked{};
  static inline flux::Handle<Family> last_made{};
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_destructor_may_create_and_destroy_in_the_same_pool) {
  flux::HandlePool<Family> pool;
  std::vector<flux::Handle<Family>> handles;
  flux::Handle<Family> last{};
  for (int i = 0; i != 500; ++i) handles.push_back(last = pool.create(pool, 0, last));
  BOOST_TEST(pool.destroy(last));  // and so all the others, one in the other
  BOOST_TEST(pool.size() == 0u);
  const auto first = pool.create(pool, 3);
  BOOST_TEST(pool.destroy(first));
  BOOST_TEST(pool.get(first) == nullptr);
  BOOST_TEST(pool.size() == 1u);
  BOOST_TEST(pool.get(Family::last_made)->left == 2);
  BOOST_TEST(pool.is_valid());
  BOOST_TEST(Tracked::alive() == 1u);
}

BOOST_AUTO_TEST_CASE(a_pool_that_ends_destroys_what_destructors_create_as_well) {
  {
    flux::HandlePool<Family> pool;
    for (int i = 0; i != 300; ++i) static_cast<void>(pool.create(pool, i % 10));
  }
  BOOST_TEST(Tracked::alive() == 0u);
  BOOST_TEST(Tracked::damaged == 0u);
}

BOOST_AUTO_TEST_CASE(a_pool_may_be_static_and_an_aggregate_its_type) {
  static_assert(std::is_nothrow_default_constructible_v<Pool> && !std::is_copy_constructible_v<Pool>);
  const auto tail = static_pool.create();
  const auto head = static_pool.create(Node{tail, 4});
  BOOST_TEST((static_pool.get(head)->next == tail));
  const auto order = constant_pool.create(7L, 3);
  BOOST_TEST(constant_pool.get(order)->price == 7);
  constant_pool.clear();
  flux::HandlePool<std::unique_ptr<int>> moving;
  BOOST_TEST(**moving.get(moving.create(std::make_unique<int>(5))) == 5);
  flux::HandlePool<std::string> texts;
  BOOST_TEST(*texts.get(texts.create(std::size_t{3}, 'x')) == "xxx");
}

BOOST_AUTO_TEST_CASE(a_pool_that_ends_gives_all_its_memory_back) {
  if (is_instrumented()) return;
  const std::size_t grown = in_child([] {
    const auto use = [] {
      Pool pool;
      for (std::size_t i = 0; i != 300'000; ++i) static_cast<void>(pool.create(i));
    };
    use();  // what the process keeps for later
    const std::size_t before = resident_bytes();
    for (int round = 0; round != 20; ++round) use();
    return growth(before, resident_bytes());
  });
  BOOST_TEST(grown <= 2 * kMiB);
}

namespace {

struct Page64 {
  explicit Page64(std::size_t given) : value(given) {}
  std::size_t value;
  std::array<std::byte, (std::size_t{64} << 10) - sizeof(std::size_t)> bytes;
};

/// Leaves the process that much address space more than it has.
void leave_room(std::size_t bytes) {
  const rlimit limit{process_memory().address_space_bytes + bytes, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &limit);
}

struct Shortage {
  std::size_t made;     ///< until memory was out
  std::size_t again;    ///< of places that became free meanwhile
  std::size_t more;     ///< when memory was back
  bool kept, is_valid;  ///< all objects were whole; the pool was
};

// The pool's own handler, in the middle of a create.
flux::HandlePool<Page64>* handled_pool = nullptr;
flux::Handle<Page64> to_destroy{};

}  // namespace

BOOST_AUTO_TEST_CASE(memory_that_is_out_is_bad_alloc_and_leaves_the_pool_whole) {
  if (is_instrumented()) return;  // no address space to spare there
  const Shortage shortage = in_child([] {
    flux::HandlePool<Page64> pool;
    std::vector<flux::Handle<Page64>> handles;
    handles.reserve(10'000);
    const auto fill = [&] {
      const std::size_t before = handles.size();
      try {
        for (;;) handles.push_back(pool.create(handles.size()));
      } catch (const std::bad_alloc&) {
      }
      return handles.size() - before;
    };
    Shortage found{};
    leave_room(std::size_t{16} << 20);
    found.made = fill();
    found.is_valid = pool.is_valid() && pool.size() == handles.size();
    for (int i = 0; i != 20; ++i, handles.pop_back()) pool.destroy(handles.back());
    found.again = fill();
    found.is_valid = found.is_valid && pool.is_valid();
    leave_room(std::size_t{8} << 20);
    found.more = fill();
    found.is_valid = found.is_valid && pool.is_valid() && pool.size() == handles.size();
    found.kept = true;
    for (std::size_t i = 0; i != handles.size(); ++i)
      found.kept = found.kept && pool.get(handles[i]) != nullptr && pool.get(handles[i])->value == i;
    return found;
  });
  BOOST_TEST(shortage.made > 50u);
  BOOST_TEST(shortage.again == 20u);
  BOOST_TEST(shortage.more > 50u);
  BOOST_TEST(shortage.kept);
  BOOST_TEST(shortage.is_valid);
}

BOOST_AUTO_TEST_CASE(a_new_handler_may_use_the_pool_that_asks_for_memory) {
  if (is_instrumented()) return;
  const bool holds = in_child([] {
    flux::HandlePool<Page64> pool;
    handled_pool = &pool;
    to_destroy = pool.create(1u);
    std::set_new_handler([] {
      std::set_new_handler(nullptr);
      handled_pool->destroy(to_destroy);
    });
    leave_room(std::size_t{16} << 20);
    std::size_t made = 0;
    try {
      for (;; ++made) static_cast<void>(pool.create(made));
    } catch (const std::bad_alloc&) {
    }
    // The one that the handler destroyed is free.
    const bool is_free = pool.contains(pool.create(2u));
    return is_free && !pool.contains(to_destroy) && pool.size() == made + 1 && pool.is_valid();
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(numbers_of_blocks_that_are_out_are_bad_alloc) {
  const bool holds = in_child([] {
    using Directory = flux::detail::BlockDirectory;
    Pool pool;
    const Handle kept = pool.create(5u);
    std::size_t taken = 0;
    while (block_directory.take().number != 0) ++taken;
    std::size_t made = 1;
    try {
      for (;; ++made) static_cast<void>(pool.create(made));
    } catch (const std::bad_alloc&) {
    }
    return taken < Directory::kNumbers && made == 1024 && pool.size() == made && pool.contains(kept) &&
           pool.is_valid();
  });
  BOOST_TEST(holds);
}

BOOST_AUTO_TEST_CASE(a_thread_that_has_ended_still_creates_and_destroys) {
  Pool pool;
  std::vector<Handle> handles = create(pool, 500);
  bool is_destroyed = false;
  run_thread([&] {
    at_thread_end([&] {
      is_destroyed = pool.destroy(handles[7]);
      handles[7] = pool.create(7u);
      for (int i = 0; i != 1000; ++i) pool.destroy(pool.create(9u));
      for (const Handle handle : create(pool, 3000)) pool.destroy(handle);
    });
    pool.destroy(handles[9]);
    handles[9] = pool.create(9u);
  });
  BOOST_TEST(is_destroyed);
  BOOST_TEST(known(pool, handles) == handles.size());
  BOOST_TEST(pool.size() == handles.size());
  BOOST_TEST(pool.is_valid());
}

BOOST_AUTO_TEST_SUITE_END()
