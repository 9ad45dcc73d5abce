// Heaps that go as a whole: what they give, what their containers may do, what they give back.
#include <algorithm>
#include <boost/container/deque.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/container/list.hpp>
#include <boost/container/map.hpp>
#include <boost/container/slist.hpp>
#include <boost/container/stable_vector.hpp>
#include <boost/container/string.hpp>
#include <boost/container/vector.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <flux/flux.hpp>
#include <forward_list>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/InChild.hpp"
#include "support/Memory.hpp"
#include "support/Pattern.hpp"
#include "support/PlainOnly.hpp"
#include "support/Random.hpp"
#include "support/Resident.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"
#include "support/WithSetting.hpp"

#if FLUX_TEST_ASAN
extern "C" int __lsan_do_recoverable_leak_check();
#endif

BOOST_AUTO_TEST_SUITE(heap)

namespace {

using namespace flux::test;
using flux::Heap;
using flux::HeapAllocator;
using flux::HeapResource;
using flux::detail::kUnitBytes;

struct Block {
  void* p = nullptr;
  std::size_t bytes = 0;
  std::size_t alignment = 1;
};

std::uint64_t mark_of(const Block& block) { return reinterpret_cast<std::uintptr_t>(block.p) + block.bytes; }
bool is_intact(const Block& block) {
  return is_aligned(block.p, block.alignment) && has_mark(block.p, block.bytes, mark_of(block));
}

/// Marked from end to end. Throws std::bad_alloc.
template <class Source>
Block make(Source& source, std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
  const Block block{source.allocate(bytes, alignment), bytes, alignment};
  write_mark(block.p, bytes, mark_of(block));
  return block;
}

/// Whether it was intact.
template <class Source>
bool drop(Source& source, const Block& block) {
  const bool was_intact = is_intact(block);
  source.deallocate(block.p, block.bytes, block.alignment);
  return was_intact;
}

/// Allocates until the heap refuses, or `most` blocks are there.
std::vector<Block> fill(Heap& heap, std::size_t bytes, std::size_t most = SIZE_MAX) {
  std::vector<Block> blocks;
  try {
    while (blocks.size() != most) blocks.push_back(make(heap, bytes));
  } catch (const std::bad_alloc&) {
  }
  return blocks;
}

bool refuses(Heap& heap, std::size_t bytes) {
  try {
    heap.deallocate(heap.allocate(bytes), bytes);
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

// Not known to the compiler, which would warn of it.
std::size_t hidden(std::size_t count) {
  volatile std::size_t copy = count;
  return copy;
}

template <class T>
using List = std::list<T, HeapAllocator<T>>;
template <class T>
using Vector = std::vector<T, HeapAllocator<T>>;
using String = std::basic_string<char, std::char_traits<char>, HeapAllocator<char>>;
template <class K, class V>
using Map = std::map<K, V, std::less<K>, HeapAllocator<std::pair<const K, V>>>;
template <class K, class V>
using HashMap =
    std::unordered_map<K, V, std::hash<K>, std::equal_to<K>, HeapAllocator<std::pair<const K, V>>>;

/// Counts its destructors.
struct Watched {
  static inline std::size_t destroyed = 0;
  Watched() = default;
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() { ++destroyed; }
  long value = 1;
};

constexpr std::size_t kSizes[] = {0,      1,      7,      8,      9,      16,      48,       255,
                                  256,    257,    511,    1000,   4095,   4096,    4097,     20'000,
                                  32'767, 32'768, 32'769, 65'536, 65'537, 200'000, 1'000'000};

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  flux::Heap session;
  std::map<int, int, std::less<>, flux::HeapAllocator<std::pair<const int, int>>> orders(session);
  for (int id = 0; id != 10'000; ++id) orders[id] = id % 100;
  BOOST_TEST(orders.size() == 10'000u);
  BOOST_TEST(session.used_bytes() >= 10'000 * 40u);
  orders.clear();  // or, faster, when nothing looks at the map again: session.release()
}

BOOST_AUTO_TEST_CASE(every_size_comes_aligned_and_whole_at_every_alignment) {
  Heap heap;
  for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2) {
    std::vector<Block> blocks;
    for (const std::size_t bytes : kSizes)
      for (int twice = 0; twice != 2; ++twice) blocks.push_back(make(heap, bytes, alignment));
    std::set<void*> distinct;
    for (const Block& block : blocks) distinct.insert(block.p);
    BOOST_TEST(distinct.size() == blocks.size());
    std::size_t damaged = 0;
    for (const Block& block : blocks) damaged += !drop(heap, block);
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(heap.is_valid());
  }
}

BOOST_AUTO_TEST_CASE(an_alignment_that_is_not_named_is_that_of_every_type) {
  Heap heap;
  for (std::size_t bytes = 0; bytes != 100; ++bytes) {
    void* const p = heap.allocate(bytes);
    BOOST_TEST(is_aligned(p, alignof(std::max_align_t)));
    heap.deallocate(p, bytes);
  }
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(a_small_size_counts_by_its_slab_and_a_large_one_rounded_up) {
  Heap heap;
  BOOST_TEST(heap.used_bytes() == 0u);
  const Block small = make(heap, 100);
  BOOST_TEST(heap.used_bytes() == kUnitBytes);
  const Block of_16 = make(heap, 32'768);
  BOOST_TEST(heap.used_bytes() == kUnitBytes + 16 * 32'768);
  const Block large = make(heap, 100'000);
  BOOST_TEST(heap.used_bytes() == 3 * kUnitBytes + 16 * 32'768);
  drop(heap, large);
  BOOST_TEST(heap.used_bytes() == kUnitBytes + 16 * 32'768);
  drop(heap, of_16);
  drop(heap, small);
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(what_no_memory_could_hold_is_refused_and_the_heap_goes_on) {
  constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();
  Heap heap;
  HeapAllocator<long> longs(heap);
  BOOST_CHECK_THROW(std::ignore = heap.allocate(hidden(kMost)), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = heap.allocate(hidden(kMost / 2 + 1)), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = heap.allocate(100, kMost / 2 + 1), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = heap.allocate(hidden(kMost / 2 + 1), kMost / 2 + 1), std::bad_alloc);
  BOOST_CHECK_THROW(std::ignore = longs.allocate(hidden(kMost)), std::bad_array_new_length);
  BOOST_CHECK_THROW(std::ignore = longs.allocate(hidden(kMost / sizeof(long) + 1)),
                    std::bad_array_new_length);
  BOOST_CHECK_THROW(std::ignore = longs.allocate_at_least(hidden(kMost)), std::bad_array_new_length);
  if (!is_instrumented())  // there it ends the program
    BOOST_CHECK_THROW(std::ignore = heap.allocate(hidden(kMost / 2 - 4096)), std::bad_alloc);
  BOOST_TEST(heap.used_bytes() == 0u);
  BOOST_TEST(drop(heap, make(heap, 100)));
  BOOST_TEST(drop(heap, make(heap, 100'000)));
  BOOST_TEST(heap.is_valid());
}

// The allocator.

BOOST_AUTO_TEST_CASE(an_allocator_meets_the_requirements_of_one_with_state) {
  using A = HeapAllocator<int>;
  using Traits = std::allocator_traits<A>;
  static_assert(std::is_same_v<Traits::value_type, int> && std::is_same_v<Traits::pointer, int*>);
  static_assert(std::is_same_v<Traits::rebind_alloc<long>, HeapAllocator<long>>);
  static_assert(std::is_same_v<Traits::size_type, std::size_t>);
  static_assert(!Traits::is_always_equal::value && !std::is_default_constructible_v<A>);
  static_assert(Traits::propagate_on_container_move_assignment::value);
  static_assert(Traits::propagate_on_container_swap::value);
  static_assert(!Traits::propagate_on_container_copy_assignment::value);
  static_assert(std::is_nothrow_copy_constructible_v<A> && std::is_nothrow_copy_assignable_v<A>);
  static_assert(std::is_nothrow_constructible_v<A, HeapAllocator<long>>);
  static_assert(std::is_nothrow_convertible_v<HeapAllocator<long>, A> && std::is_convertible_v<Heap&, A>);
  static_assert(noexcept(std::declval<A&>().deallocate(nullptr, 1)));
  static_assert(!std::is_copy_constructible_v<Heap> && !std::is_copy_assignable_v<Heap>);
  static_assert(!std::is_move_constructible_v<Heap> && !std::is_convertible_v<std::size_t, Heap>);

  Heap one, other;
  const A a(one), b(other);
  BOOST_TEST((a == A(one)));
  BOOST_TEST((a != b));
  BOOST_TEST((a == HeapAllocator<long>(a)));
  BOOST_TEST((HeapAllocator<long>(b) != a));
  BOOST_TEST((A(HeapAllocator<long>(a)) == a));
  BOOST_TEST((Traits::select_on_container_copy_construction(a) == a));
  A assigned = b;
  assigned = a;
  BOOST_TEST((assigned == a));
}

BOOST_AUTO_TEST_CASE(moves_and_swaps_of_containers_throw_nothing) {
  static_assert(std::is_nothrow_move_assignable_v<List<int>> && std::is_nothrow_swappable_v<List<int>>);
  static_assert(std::is_nothrow_move_assignable_v<Vector<int>> && std::is_nothrow_swappable_v<Vector<int>>);
  static_assert(std::is_nothrow_move_assignable_v<String> && std::is_nothrow_swappable_v<String>);
  static_assert(std::is_nothrow_move_assignable_v<Map<int, int>> &&
                std::is_nothrow_swappable_v<Map<int, int>>);
  static_assert(std::is_nothrow_swappable_v<HashMap<int, int>>);
  static_assert(std::is_nothrow_move_constructible_v<List<int>>);
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(what_one_allocator_gave_an_equal_one_of_another_type_frees) {
  Heap heap;
  HeapAllocator<long> longs(heap);
  for (std::size_t n = 0; n != 300; ++n) {
    long* const p = longs.allocate(n);
    std::iota(p, p + n, 0L);
    HeapAllocator<long>(HeapAllocator<char>(longs)).deallocate(p, n);
  }
  const auto [first, count] = longs.allocate_at_least(1000);
  BOOST_TEST(count == 1000u);
  longs.deallocate(first, count);
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(over_aligned_types_come_aligned) {
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  struct alignas(16'384) Wide {
    std::byte bytes[16'384];
  };
  Heap heap;
  List<Line> lines(100, heap);
  for (const Line& line : lines) BOOST_TEST(is_aligned(&line, 64));
  List<Wide> wides(10, heap);
  for (const Wide& wide : wides) BOOST_TEST(is_aligned(&wide, 16'384));
  Vector<Line> arrays(1000, heap);
  BOOST_TEST(is_aligned(arrays.data(), 64));
}

BOOST_AUTO_TEST_CASE(containers_of_the_standard_library_work_in_it) {
  Heap heap;
  {
    HashMap<int, int> squares(heap);
    Map<int, String> words(heap);
    Vector<List<int>> lists(heap);
    std::deque<int, HeapAllocator<int>> deque(heap);
    std::forward_list<int, HeapAllocator<int>> forward(heap);
    for (int i = 0; i != 5'000; ++i) {
      squares[i] = i * i;
      words.emplace(i, String(static_cast<std::size_t>(i % 60), 'x', heap));
      if (i % 100 == 0) lists.emplace_back(heap);
      lists.back().push_back(i);
      deque.push_back(i);
      if (i % 3 == 0) deque.pop_front();
      forward.push_front(i);
    }
    BOOST_TEST(squares.at(70) == 4900);
    BOOST_TEST(words.at(119).size() == 59u);
    BOOST_TEST(lists[49].back() == 4'999);
    BOOST_TEST(deque.back() == 4'999);
    BOOST_TEST(forward.front() == 4'999);
    for (int i = 0; i != 5'000; i += 2) squares.erase(i), words.erase(i);
    BOOST_TEST(squares.size() + words.size() == 5'000u);
    const std::shared_ptr<long> shared = std::allocate_shared<long>(HeapAllocator<long>(heap), 7);
    BOOST_TEST(*shared == 7);
    BOOST_TEST(heap.is_valid());
  }
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(containers_of_boost_work_in_it) {
  namespace bc = boost::container;
  using A = HeapAllocator<int>;
  Heap heap;
  const A a(heap);
  {
    bc::list<int, A> list(a);
    bc::slist<int, A> slist(a);
    bc::vector<int, A> vector(a);
    bc::deque<int, A> deque(a);
    bc::stable_vector<int, A> stable(a);
    bc::map<int, int, std::less<int>, HeapAllocator<std::pair<const int, int>>> map(a);
    bc::flat_map<int, int, std::less<int>, HeapAllocator<std::pair<int, int>>> flat(a);
    bc::basic_string<char, std::char_traits<char>, HeapAllocator<char>> text(a);
    for (int i = 0; i != 2'000; ++i) {
      list.push_back(i), slist.push_front(i), vector.push_back(i), deque.push_front(i), stable.push_back(i);
      map[i * 7919 % 2'000] = i, flat[i * 7919 % 2'000] = i;
      text += 'x';
    }
    BOOST_TEST(list.back() + slist.front() + vector.back() + deque.front() + stable.back() == 5 * 1'999);
    BOOST_TEST(map.size() + flat.size() + text.size() == 6'000u);
    const bc::list<int, A> moved(boost::move(list));
    BOOST_TEST(moved.size() == 2'000u);
  }
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_container_is_made_in_the_same_heap) {
  Heap one, other;
  const List<int> list(1000, 7, one);
  const std::size_t before = other.used_bytes();
  const List<int> copy = list;
  BOOST_TEST((copy.get_allocator() == HeapAllocator<int>(one)));
  BOOST_TEST(other.used_bytes() == before);
  const List<int> elsewhere(list, HeapAllocator<int>(other));
  BOOST_TEST((elsewhere.get_allocator() == HeapAllocator<int>(other)));
  BOOST_TEST(other.used_bytes() > before);
  BOOST_TEST((elsewhere == copy));
}

BOOST_AUTO_TEST_CASE(what_is_assigned_by_copy_stays_in_the_containers_own_heap) {
  Heap one, other;
  List<int> mine({1, 2, 3}, one);
  {
    const List<int> its({4, 5, 6, 7}, other);
    mine = its;
  }
  other.release();
  BOOST_TEST((mine.get_allocator() == HeapAllocator<int>(one)));
  BOOST_TEST((mine == List<int>({4, 5, 6, 7}, one)));
}

BOOST_AUTO_TEST_CASE(moves_and_swaps_take_the_heap_along_and_leave_the_elements_in_place) {
  Heap one, other;
  Vector<int> mine(1000, 1, one), its(2000, 2, other);
  const int* const my_first = mine.data();
  const int* const its_first = its.data();
  mine.swap(its);
  BOOST_TEST(mine.data() == its_first);
  BOOST_TEST(its.data() == my_first);
  BOOST_TEST((mine.get_allocator() == HeapAllocator<int>(other)));
  BOOST_TEST((its.get_allocator() == HeapAllocator<int>(one)));
  mine = std::move(its);
  BOOST_TEST(mine.data() == my_first);
  BOOST_TEST((mine.get_allocator() == HeapAllocator<int>(one)));
  const Vector<int> made = std::move(mine);
  BOOST_TEST(made.data() == my_first);
  const Vector<int> moved_elsewhere(Vector<int>{made}, HeapAllocator<int>(other));
  BOOST_TEST((moved_elsewhere == made));
  BOOST_TEST((moved_elsewhere.get_allocator() == HeapAllocator<int>(other)));
}

BOOST_AUTO_TEST_CASE(containers_of_equal_heaps_splice_and_merge) {
  Heap heap;
  List<int> list({1, 2, 5}, heap), more({3, 4}, heap);
  const int* const three = &more.front();
  list.merge(more);
  BOOST_TEST((list == List<int>({1, 2, 3, 4, 5}, heap)));
  BOOST_TEST(&*std::next(list.begin(), 2) == three);
  Map<int, int> map({{1, 1}}, heap), others({{2, 2}}, heap);
  map.merge(others);
  BOOST_TEST(map.size() == 2u);
  map.insert(map.extract(1));
  BOOST_TEST(map.at(1) == 1);
}

// The polymorphic resource.

BOOST_AUTO_TEST_CASE(polymorphic_containers_work_over_a_resource) {
  Heap heap;
  {
    HeapResource resource(heap);
    std::pmr::unordered_map<std::pmr::string, std::pmr::vector<int>> map(&resource);
    for (int i = 0; i != 2'000; ++i) map[std::pmr::string(100, static_cast<char>('a' + i % 26))].push_back(i);
    BOOST_TEST(map.size() == 26u);
    std::pmr::unsynchronized_pool_resource pool(&resource);
    const std::pmr::list<int> list(10'000, 7, &pool);
    BOOST_TEST(list.size() == 10'000u);
    BOOST_TEST(heap.used_bytes() >= 10'000 * 24u);
    for (std::size_t alignment = 1; alignment <= 16'384; alignment *= 2)
      for (const std::size_t bytes : kSizes) BOOST_TEST(drop(resource, make(resource, bytes, alignment)));
  }
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(resources_are_equal_when_of_the_same_heap_and_to_no_others) {
  Heap heap, other;
  const HeapResource one(heap), same(heap), elsewhere(other);
  const std::pmr::monotonic_buffer_resource foreign;
  BOOST_TEST((one == one));
  BOOST_TEST((one == same));
  BOOST_TEST((one != elsewhere));
  BOOST_TEST((one != foreign));
  BOOST_TEST((foreign != one));
  BOOST_TEST((one != *std::pmr::new_delete_resource()));
  BOOST_TEST((one != *flux::memory_resource()));
  BOOST_TEST((*flux::memory_resource() != one));
}

BOOST_AUTO_TEST_CASE(lists_over_resources_of_one_heap_splice) {
  Heap heap;
  HeapResource one(heap), same(heap);
  std::pmr::list<int> mine({1, 2, 3}, &one), its({4, 5}, &same);
  mine.splice(mine.end(), its);
  BOOST_TEST((mine == std::pmr::list<int>{1, 2, 3, 4, 5}));
}

// What goes as a whole.

BOOST_AUTO_TEST_CASE(release_frees_everything_destroys_nothing_and_leaves_a_heap_that_works) {
  Heap heap;
  Watched::destroyed = 0;
  using Watch = List<Watched>;
  for (int round = 0; round != 5; ++round) {
    // In the heap itself, and so dropped with it.
    auto* const list = ::new (heap.allocate(sizeof(Watch), alignof(Watch))) Watch(heap);
    for (int i = 0; i != 10'000; ++i) list->emplace_back();
    for (const std::size_t bytes : kSizes) make(heap, bytes);
    make(heap, 1, 65'536);
    BOOST_TEST(heap.is_valid());
    BOOST_TEST(heap.used_bytes() > 10'000 * sizeof(Watched));
    heap.release();
    BOOST_TEST(heap.used_bytes() == 0u);
    BOOST_TEST(heap.is_valid());
  }
  heap.release();
  BOOST_TEST(heap.is_valid());
  BOOST_TEST(Watched::destroyed == 0u);
}

BOOST_AUTO_TEST_CASE(what_only_objects_of_a_heap_point_to_is_no_leak) {
  using Owners = List<std::unique_ptr<int>>;
  Heap heap;
  auto* const owners = ::new (heap.allocate(sizeof(Owners), alignof(Owners))) Owners(heap);
  for (int i = 0; i != 1'000; ++i) owners->push_back(std::make_unique<int>(i));
  Vector<std::unique_ptr<int>> large(10'000, heap);
  for (std::unique_ptr<int>& owner : large) owner = std::make_unique<int>(1);
#if FLUX_TEST_ASAN
  BOOST_TEST(__lsan_do_recoverable_leak_check() == 0);
#endif
  BOOST_TEST(*owners->back() == 999);
  std::destroy_at(owners);
}

BOOST_AUTO_TEST_CASE(what_came_after_a_release_lies_apart) {
  Heap heap;
  Random random;
  for (int round = 0; round != 20; ++round) {
    std::vector<Block> blocks;
    for (int i = 0; i != 1000; ++i) blocks.push_back(make(heap, random.below(3'000)));
    std::size_t damaged = 0;
    for (std::size_t i = 0; i < blocks.size(); i += 2) damaged += !drop(heap, blocks[i]);
    for (std::size_t i = 1; i < blocks.size(); i += 2) damaged += !is_intact(blocks[i]);
    BOOST_TEST(damaged == 0u);
    heap.release();
  }
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_filled_and_released_again_and_again_does_not_grow) {
  struct Figures {
    std::size_t first, most;
  };
  const Figures figures = in_child([] {
    Heap heap;
    Figures seen{};
    for (int round = 0; round != 100; ++round) {
      List<long> list(heap);
      for (int i = 0; i != 50'000; ++i) list.push_back(i);
      Vector<long> array(100'000, 1, heap);
      const std::size_t resident = resident_bytes();
      if (round < 2) seen.first = std::max(seen.first, resident);
      seen.most = std::max(seen.most, resident);
      ::new (heap.allocate(sizeof list, alignof(List<long>))) List<long>(std::move(list));
      ::new (heap.allocate(sizeof array, alignof(Vector<long>))) Vector<long>(std::move(array));
      heap.release();
    }
    return seen;
  });
  if (is_instrumented()) return;
  BOOST_TEST(figures.most <= figures.first + 256 * kKiB);
}

BOOST_AUTO_TEST_CASE(after_a_release_memory_above_the_retention_limit_goes_back_as_the_heap_is_used) {
  const WithRetentionLimit none(0);
  FailingPageSource pages;
  Heap heap;
  fill(heap, 1000, 20'000);
  const std::size_t used = heap.used_bytes(), discarded = pages.discarded_bytes();
  heap.release();
  BOOST_TEST(pages.discarded_bytes() == discarded);  // release itself calls the system for nothing
  for (int i = 0; i != 100; ++i) fill(heap, 50, 1'000), heap.release();
  BOOST_TEST(pages.discarded_bytes() >= used);
  BOOST_TEST(heap.is_valid());
  BOOST_TEST(fill(heap, 1000, 20'000).size() == 20'000u);
}

BOOST_AUTO_TEST_CASE(trim_gives_back_all_memory_that_holds_no_object) {
  const WithRetentionLimit hold(flux::kHold);
  FailingPageSource pages;
  Heap heap;
  const auto blocks = fill(heap, 1000, 20'000);
  const std::size_t used = heap.used_bytes();
  static_cast<void>(heap.trim());
  BOOST_TEST(heap.used_bytes() == used);
  for (const Block& block : blocks) BOOST_TEST(drop(heap, block));
  BOOST_TEST(heap.trim() >= used);
  BOOST_TEST(heap.used_bytes() == 0u);
  BOOST_TEST(heap.trim() == 0u);
  BOOST_TEST(heap.is_valid());
  fill(heap, 1000, 20'000);
  heap.release();
  BOOST_TEST(heap.trim() >= used);
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_heap_gives_all_address_space_back) {
  for (const std::size_t limit : {kLargePieces, kModestPieces, kSingleRegions}) {
    FailingPageSource pages(limit);
    {
      Heap heap;
      for (int i = 0; i != 2'400; ++i)
        heap.deallocate(heap.allocate(40), 40), std::ignore = heap.allocate(32'768);
      make(heap, 1'000'000);
      BOOST_TEST(heap.used_bytes() > 2 * flux::detail::kRegionBytes);
      BOOST_TEST(pages.reserved_bytes() == flux::detail::reserved_bytes);
    }
    BOOST_TEST(pages.pieces() == 0u);
    BOOST_TEST(pages.committed_bytes() == 0u);
    BOOST_TEST(pages.complaint() == "");
    BOOST_TEST(flux::detail::reserved_bytes == 0u);
  }
}

BOOST_AUTO_TEST_CASE(heaps_one_after_another_leave_nothing_behind) {
  struct Figures {
    ProcessMemory first, last;
    std::size_t reserved_first, reserved_last;
  };
  const std::size_t heaps = scaled(10'000);
  const Figures figures = in_child([heaps] {
    Figures seen{};
    for (std::size_t i = 0; i != heaps; ++i) {
      Heap heap;
      fill(heap, 100, 100);
      make(heap, 50'000);
      if (i == heaps / 10) seen.first = process_memory(), seen.reserved_first = flux::detail::reserved_bytes;
      seen.last = process_memory();
    }
    seen.reserved_last = flux::detail::reserved_bytes;
    return seen;
  });
  BOOST_TEST(figures.reserved_last < figures.reserved_first);
  if (is_instrumented()) return;
  BOOST_TEST(figures.last.address_space_bytes <= figures.first.address_space_bytes + kMiB);
  BOOST_TEST(figures.last.resident_bytes <= figures.first.resident_bytes + 256 * kKiB);
}

BOOST_AUTO_TEST_CASE(a_thousand_heaps_at_once_stay_apart_and_small) {
  struct Figures {
    std::size_t damaged, resident, after;
  };
  const std::size_t count = scaled(1'000);
  const Figures figures = in_child([count] {
    std::vector<std::optional<Heap>> heaps(count);
    std::vector<Block> blocks(count * 10);
    const std::size_t before = resident_bytes();
    for (std::optional<Heap>& heap : heaps) heap.emplace();
    for (std::size_t i = 0; i != blocks.size(); ++i) blocks[i] = make(*heaps[i % count], 40 + i % 3);
    Figures seen{0, growth(before, resident_bytes()), 0};
    for (std::size_t i = 0; i != blocks.size(); ++i) seen.damaged += !drop(*heaps[i % count], blocks[i]);
    for (std::optional<Heap>& heap : heaps) heap.reset();
    seen.after = growth(before, resident_bytes());
    return seen;
  });
  BOOST_TEST(figures.damaged == 0u);
  if (is_instrumented()) return;
  BOOST_TEST_MESSAGE("a heap with 10 objects: " << figures.resident / count / kKiB << " KiB");
  BOOST_TEST(figures.resident <= count * 64 * kKiB);
  BOOST_TEST(figures.after <= kMiB);
}

BOOST_AUTO_TEST_CASE(a_heap_may_be_handed_to_another_thread) {
  std::optional<Heap> heap(std::in_place);
  std::vector<Block> blocks;
  for (int handed = 0; handed != 4; ++handed) {
    std::size_t damaged = 0;
    run_thread([&] {
      for (std::size_t i = 0; i < blocks.size(); i += 2) damaged += !drop(*heap, blocks[i]);
      blocks = fill(*heap, 200, 10'000);
    });
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(heap->is_valid());
  }
  run_thread([&] { heap.reset(); });
  BOOST_TEST(!heap.has_value());
}

BOOST_AUTO_TEST_CASE(threads_with_heaps_of_their_own_do_not_meet) {
  std::vector<std::size_t> faults(4);
  run_threads(faults.size(), [&](std::size_t index) {
    for (int round = 0; round != 10; ++round) {
      Heap heap;
      const std::vector<Block> blocks = fill(heap, 100 + index, 2'000);
      for (const Block& block : blocks) faults[index] += !drop(heap, block);
      faults[index] += !heap.is_valid();
    }
  });
  BOOST_TEST(std::accumulate(faults.begin(), faults.end(), std::size_t{0}) == 0u);
}

// Fixed capacity.

BOOST_AUTO_TEST_CASE(a_heap_never_takes_more_than_its_capacity_and_then_refuses) {
  for (const std::size_t capacity : {kUnitBytes, 3 * kUnitBytes + 1, 4 * kMiB, 40 * kMiB}) {
    Heap heap(capacity);
    std::vector<Block> blocks;
    bool is_within = true;
    for (const std::size_t bytes : {100u, 3'000u, 30'000u, 100'000u, 8u}) {
      const std::size_t before = blocks.size();
      while (blocks.size() < before + capacity / 4 / bytes || bytes == 8) {
        try {
          blocks.push_back(make(heap, bytes, 8));
        } catch (const std::bad_alloc&) {
          break;
        }
        is_within = is_within && heap.used_bytes() <= capacity;
      }
      BOOST_TEST(heap.is_valid());
    }
    BOOST_TEST(is_within);
    BOOST_TEST(heap.used_bytes() == capacity / kUnitBytes * kUnitBytes);
    std::size_t damaged = 0;
    for (const Block& block : blocks) damaged += !drop(heap, block);
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(heap.is_valid());
  }
}

BOOST_AUTO_TEST_CASE(a_capacity_of_less_than_a_slab_refuses_at_once) {
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{1}, kUnitBytes - 1}) {
    Heap heap(capacity);
    for (const std::size_t bytes : {0u, 8u, 1000u, 32'768u, 100'000u}) BOOST_TEST(refuses(heap, bytes));
    BOOST_TEST(heap.used_bytes() == 0u);
    BOOST_TEST(heap.is_valid());
    heap.release();
  }
  Heap heap(kUnitBytes);  // a slab of 16 objects of 32 KiB is more
  BOOST_TEST(refuses(heap, 32'768));
  BOOST_TEST(!refuses(heap, 1'000));
}

BOOST_AUTO_TEST_CASE(frees_make_room_again_for_other_sizes) {
  Heap heap(2 * kMiB);
  for (const std::size_t bytes : {100u, 3'000u, 40'000u, 32'768u, 1'000'000u, 8u, 500u}) {
    std::vector<Block> blocks = fill(heap, bytes);
    BOOST_TEST(blocks.size() >= 2 * kMiB / 2 / std::max<std::size_t>(bytes, 16));
    BOOST_TEST(heap.used_bytes() <= 2 * kMiB);
    std::size_t damaged = 0;
    for (const Block& block : blocks) damaged += !drop(heap, block);
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(heap.is_valid());
  }
}

BOOST_AUTO_TEST_CASE(release_gives_the_whole_capacity_back) {
  Heap heap(4 * kMiB);
  for (int round = 0; round != 3; ++round) {
    const std::size_t objects = fill(heap, 100, 10'000).size();
    const std::size_t blocks = fill(heap, 100'000).size();
    BOOST_TEST(objects == 10'000u);
    BOOST_TEST(blocks == (4 * kMiB / kUnitBytes - 18) / 2);  // 18 slabs of objects
    heap.release();
    BOOST_TEST(heap.used_bytes() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_refused_large_block_leaves_the_budget_as_it_was) {
  Heap heap(kMiB);
  for (int i = 0; i != 100; ++i) BOOST_TEST(refuses(heap, 2 * kMiB));
  BOOST_TEST(!refuses(heap, kMiB - 1'000));
  BOOST_TEST(heap.used_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_heap_with_a_capacity_is_resident_with_no_more_whatever_is_freed_meanwhile,
                     *flux::test::plain_only()) {
  struct Figures {
    std::size_t begun, most;
    bool is_valid;
  };
  constexpr std::size_t kCapacity = 24 * kMiB;
  const Figures figures = in_child([] {
    std::vector<Block> blocks(kCapacity / 500);
    for (Block& block : blocks) block.bytes = 1;
    Figures seen{};
    std::size_t most = 0;
    const std::size_t before = resident_bytes();
    Heap heap(kCapacity);
    seen.begun = growth(before, resident_bytes());
    for (const std::size_t bytes : {500u, 2'000u, 6'000u, 20'000u, 32'768u}) {
      std::size_t count = 0;
      try {
        for (; count != blocks.size(); ++count) {
          blocks[count] = make(heap, bytes);
          if (count % 512 == 0) most = std::max(most, growth(before, resident_bytes()));
        }
      } catch (const std::bad_alloc&) {
      }
      most = std::max(most, growth(before, resident_bytes()));
      // What stays keeps its slabs, and the next size must go where none of them is.
      std::size_t kept = 0;
      for (std::size_t i = 0; i != count; ++i)
        if (i * bytes / kUnitBytes % 4 == 0 && kept < kCapacity / 4 / bytes) {
          ++kept;
        } else {
          heap.deallocate(blocks[i].p, bytes);
        }
    }
    seen.most = most;
    seen.is_valid = heap.is_valid();
    return seen;
  });
  BOOST_TEST(figures.is_valid);
  if (is_instrumented()) return;
  BOOST_TEST_MESSAGE("empty " << figures.begun / kKiB << " KiB, most " << figures.most / kKiB << " KiB of "
                              << kCapacity / kKiB);
  BOOST_TEST(figures.begun <= 64 * kKiB);
  BOOST_TEST(figures.most <= kCapacity + kCapacity * 3 / 100 + 64 * kKiB);
}

// Out of memory.

namespace {

struct Trial {
  std::string complaint;
  std::size_t calls = 0;
};

/// Builds a heap of several regions while calls for memory fail as `fail(pages)` says; what is refused is tried
/// again, and at the second refusal memory is back.
template <class Fail>
Trial build(std::size_t address_limit, Fail fail) {
  Trial trial;
  const auto expect = [&trial](bool is_met, const char* otherwise) {
    if (!is_met && trial.complaint.empty()) trial.complaint = otherwise;
  };
  FailingPageSource pages(address_limit);
  fail(pages);
  std::size_t refused = 0;
  const auto refuse = [&] {
    if (++refused == 2) pages.fail_never();
    expect(refused <= 2, "a refusal lasts though memory is back");
  };
  {
    std::optional<Heap> heap;
    while (!heap && refused <= 2) {
      try {
        heap.emplace();
      } catch (const std::bad_alloc&) {
        expect(pages.pieces() == 0 && flux::detail::reserved_bytes == 0, "a refused heap kept memory");
        refuse();
      }
    }
    std::vector<Block> blocks;
    for (const auto& [bytes, count] :
         {std::pair{100u, 3'000u}, {32'768u, 1'100u}, {8u, 9'000u}, {90'000u, 5u}}) {
      for (std::size_t made = 0; heap && made != count && refused <= 2;) {
        const std::size_t used = heap->used_bytes();
        try {
          blocks.push_back({heap->allocate(bytes), bytes, 8});
          write_mark(blocks.back().p, std::min(bytes, 100u), mark_of(blocks.back()));
          ++made;
        } catch (const std::bad_alloc&) {
          expect(heap->is_valid(), "the heap is not valid after a refusal");
          expect(heap->used_bytes() <= used, "a refusal kept memory");
          refuse();
        }
      }
    }
    trial.calls = pages.calls();
    for (const Block& block : blocks)
      expect(has_mark(block.p, std::min<std::size_t>(block.bytes, 100), mark_of(block)),
             "an object was overwritten");
    expect(heap && heap->is_valid(), "the heap is not valid in the end");
  }
  expect(pages.pieces() == 0 && pages.committed_bytes() == 0, "a heap left memory behind");
  expect(flux::detail::reserved_bytes == 0, "a heap left address space behind");
  if (trial.complaint.empty()) trial.complaint = pages.complaint();
  return trial;
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_may_be_out_at_any_call_and_nothing_is_lost) {
  for (const std::size_t limit : {kModestPieces, kSingleRegions}) {
    const Trial undisturbed = build(limit, [](FailingPageSource& pages) { pages.fail_never(); });
    BOOST_TEST(undisturbed.complaint == "");
    BOOST_TEST(undisturbed.calls > 16u);
    for (std::size_t n = 1; n <= undisturbed.calls; ++n) {
      const Trial once = build(limit, [n](FailingPageSource& pages) { pages.fail_at(n); });
      BOOST_TEST(once.complaint == "", once.complaint << " when call " << n << " fails");
      const Trial lasting = build(limit, [n](FailingPageSource& pages) { pages.fail_from(n); });
      BOOST_TEST(lasting.complaint == "", lasting.complaint << " when calls fail from " << n << " on");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_heap_that_ends_while_memory_is_out_leaves_nothing_behind) {
  for (std::size_t n = 2; n != 40; ++n) {
    FailingPageSource pages(kSingleRegions);
    {
      Heap heap;
      pages.fail_from(n);
      try {
        for (int i = 0; i != 2'200; ++i) std::ignore = heap.allocate(32'768);
      } catch (const std::bad_alloc&) {
        BOOST_TEST(heap.is_valid());
      }
    }
    BOOST_TEST(pages.pieces() == 0u, "when calls fail from " << n << " on");
    BOOST_TEST(flux::detail::reserved_bytes == 0u);
    BOOST_TEST(pages.complaint() == "");
  }
}

BOOST_AUTO_TEST_CASE(a_containers_insertion_that_the_heap_refuses_leaves_it_as_it_was) {
  Heap heap(kMiB);
  List<long> list(heap);
  BOOST_CHECK_THROW(for (long i = 0;; ++i) list.push_back(i), std::bad_alloc);
  BOOST_TEST(list.size() >= kMiB / 24 * 9 / 10);
  long expected = 0;
  for (const long value : list) expected += value == expected;
  BOOST_TEST(static_cast<std::size_t>(expected) == list.size());
  list.clear();
  list.assign(100, 1);
  BOOST_TEST(list.size() == 100u);
}

// Anything, in any order.

namespace {

class Model {
 public:
  Model(std::uint64_t stream, std::size_t capacity) : random_(stream), capacity_(capacity), heap_(capacity) {}

  std::string run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && complaint_.empty(); ++i) {
      step();
      if (i % 64 == 0) expect(heap_.is_valid(), "not valid");
      expect(heap_.used_bytes() <= capacity_, "more than the capacity");
    }
    while (!blocks_.empty()) free_one();
    expect(heap_.is_valid(), "not valid in the end");
    heap_.release();
    expect(heap_.used_bytes() == 0, "release left something");
    return complaint_;
  }

 private:
  void step() {
    const std::size_t choice = random_.below(1000);
    if (choice == 0) return release();
    if (choice < 520) return allocate_some();
    for (std::size_t left = random_.below(1 + std::min<std::size_t>(blocks_.size(), 200)); left != 0; --left)
      free_one();
  }

  void allocate_some() {
    const std::size_t most = random_.below(10) == 0 ? 200'000 : random_.below(3) == 0 ? 40'000 : 600;
    const std::size_t bytes = random_.below(most);
    const std::size_t alignment = std::size_t{1} << random_.below(random_.below(20) == 0 ? 15 : 5);
    for (std::size_t left = 1 + random_.below(bytes < 600 ? 100 : 5); left != 0; --left) {
      try {
        blocks_.push_back(make(heap_, bytes, alignment));
      } catch (const std::bad_alloc&) {
        expect(capacity_ != Heap::kUnlimited, "refused without a limit");
        return;
      }
    }
  }

  void free_one() {
    std::swap(blocks_[random_.below(blocks_.size())], blocks_.back());
    expect(drop(heap_, blocks_.back()), "misaligned or overwritten");
    blocks_.pop_back();
  }

  void release() {
    for (const Block& block : blocks_) expect(is_intact(block), "overwritten");
    blocks_.clear();
    heap_.release();
    expect(heap_.used_bytes() == 0, "release left something");
  }

  void expect(bool is_met, const char* otherwise) {
    if (!is_met && complaint_.empty()) complaint_ = otherwise;
  }

  Random random_;
  std::size_t capacity_;
  Heap heap_;
  std::vector<Block> blocks_;
  std::string complaint_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(random_operations_agree_with_a_model) {
  BOOST_TEST(Model(1, Heap::kUnlimited).run(scaled(5'000)) == "");
  BOOST_TEST(Model(2, 8 * kMiB).run(scaled(5'000)) == "");
  const WithRetentionLimit none(0);
  BOOST_TEST(Model(3, 3 * kMiB).run(scaled(3'000)) == "");
  const WithHugePagesFrom start(0);
  BOOST_TEST(Model(4, 8 * kMiB).run(scaled(3'000)) == "");
}

// Misuse that the engine sees.

BOOST_AUTO_TEST_CASE(an_object_of_a_heap_that_is_freed_elsewhere_ends_the_program) {
  constexpr auto kReason =
      flux::kIsChecked ? "it lies in a flux::Heap" : "an address that flux never handed out";
  Heap heap;
  void* const p = heap.allocate(48);
  BOOST_TEST(aborts_with(kReason, [&] { flux::deallocate(p, 48); }));
  BOOST_TEST(aborts_with(kReason, [&] { flux::memory_resource()->deallocate(p, 48); }));
  BOOST_TEST(aborts_with(kReason, [&] {
    struct Node {
      std::byte bytes[48];
    };
    flux::Allocator<Node>{}.deallocate(static_cast<Node*>(p), 1);
  }));
  heap.deallocate(p, 48);
  BOOST_TEST(heap.is_valid());
}

BOOST_AUTO_TEST_CASE(an_object_freed_twice_ends_the_program) {
  BOOST_TEST(aborts_with("double free", [] {
    Heap heap;
    std::vector<Block> blocks = fill(heap, 32'768, 64);
    for (const Block& block : blocks) heap.deallocate(block.p, block.bytes);
    for (const Block& block : blocks) heap.deallocate(block.p, block.bytes);
  }));
}

BOOST_AUTO_TEST_CASE(a_heaps_objects_are_not_those_that_owns_means) {
  Heap heap;
  BOOST_TEST(!flux::owns(heap.allocate(48)));
}

BOOST_AUTO_TEST_SUITE_END()
