// The system refuses memory at any point: the allocation is refused, nothing is lost, and all goes on when it
// is back.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Allocator.hpp>
#include <list>
#include <new>
#include <string>
#include <vector>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(out_of_memory)

namespace {

using namespace flux::test;
using namespace flux::detail;

// So many objects of a class, one after another.
struct Wish {
  unsigned size_class;
  std::size_t count;
};
using Wishes = std::vector<Wish>;

const Wishes kNothingButAHeap = {};
const Wishes kFirstOfSeveralClasses = {{0, 1}, {2, 1}, {31, 1}, {50, 1}, {70, 1}, {87, 1}};
const Wishes kManySlabs = {{2, scaled(400'000)}, {31, scaled(40'000)}, {60, scaled(1'000)}};
const Wishes kSecondRegion = {{87, 1200}};
const Wishes kAllAtOnce = {{70, 1200}, {3, 10'000}, {87, 1200}, {0, 10'000}, {40, 2000}};

struct Outcome {
  std::string complaint;    ///< what was found wrong at any time, or empty
  std::size_t refused = 0;  ///< times that an operation was
  std::size_t calls = 0;    ///< for memory
  std::size_t committed_bytes = 0;
};

// Makes a heap and grants the wishes from it, while calls for memory fail as `fail(pages)` says. What is
// refused is wished for again; at the second refusal memory is back.
class Trial {
 public:
  explicit Trial(std::size_t address_limit) : pages_(address_limit) {}

  template <class Fail>
  Outcome run(const Wishes& wishes, Fail fail) {
    fail(pages_);
    make_heap();
    if (heap_ == nullptr) return outcome_;
    std::vector<Objects> granted(wishes.size());
    for (std::size_t i = 0; i != wishes.size(); ++i) granted[i] = grant(wishes[i]);
    outcome_.calls = pages_.calls();
    outcome_.committed_bytes = pages_.committed_bytes();
    expect(complaint_about(*heap_).empty(), "the heap is not valid in the end");
    for (std::size_t i = 0; i != wishes.size(); ++i) {
      expect(granted[i].size() == wishes[i].count && are_distinct(granted[i]),
             "objects are missing or given twice");
      expect(are_marked(granted[i], wishes[i].size_class), "an object was overwritten");
      push_all(*heap_, granted[i], wishes[i].size_class);
    }
    expect(census_of(*heap_).away() == 0, "objects were lost");
    expect(pages_.complaint().empty(), "the page source was misused");
    return outcome_;
  }

 private:
  void make_heap() {
    while (outcome_.refused <= 2 && (heap_ = ThreadHeap::create(domain_info<>)) == nullptr) {
      expect(pages_.pieces() == 0, "a refused heap kept memory");
      refuse();
    }
  }

  Objects grant(const Wish& wish) {
    Objects objects;
    while (outcome_.refused <= 2) {
      append(objects, pop_many(*heap_, wish.size_class, wish.count - objects.size()));
      if (objects.size() == wish.count) break;
      expect(complaint_about(*heap_).empty(), "the heap is not valid after a refusal");
      expect(census_of(*heap_, wish.size_class).away() == objects.size(), "a refusal lost objects");
      expect(are_marked(objects, wish.size_class), "a refusal overwrote an object");
      refuse();
    }
    return objects;
  }

  void refuse() {
    if (++outcome_.refused == 2) pages_.fail_never();
    expect(outcome_.refused <= 2, "a refusal lasts though memory is back");
  }

  void expect(bool is_met, const char* otherwise) {
    if (!is_met && outcome_.complaint.empty()) outcome_.complaint = otherwise;
  }

  FailingPageSource pages_;
  ThreadHeap* heap_ = nullptr;
  Outcome outcome_;
};

// For every n until the wishes are granted without refusal: the n-th call fails, and all from the n-th on.
void refuse_everywhere(const Wishes& wishes, std::size_t address_limit) {
  const Outcome undisturbed =
      Trial(address_limit).run(wishes, [](FailingPageSource& pages) { pages.fail_never(); });
  BOOST_TEST(undisturbed.complaint == "");
  for (std::size_t n = 1; n <= undisturbed.calls; ++n) {
    const Outcome once =
        Trial(address_limit).run(wishes, [n](FailingPageSource& pages) { pages.fail_at(n); });
    BOOST_TEST(once.complaint == "", once.complaint << " when call " << n << " fails");
    BOOST_TEST(once.refused <= 1u);
    BOOST_TEST(once.committed_bytes == undisturbed.committed_bytes);
    const Outcome lasting =
        Trial(address_limit).run(wishes, [n](FailingPageSource& pages) { pages.fail_from(n); });
    BOOST_TEST(lasting.complaint == "", lasting.complaint << " when calls fail from " << n << " on");
    BOOST_TEST(lasting.refused == 2u);
    BOOST_TEST(lasting.committed_bytes == undisturbed.committed_bytes);
  }
}

template <std::size_t Size>
struct Block {
  std::byte bytes[Size];
};

// What a new thread gets whose calls for memory fail from the n-th on: whether an allocation threw, and then
// succeeded.
template <class T>
struct FirstAllocation {
  bool is_refused = false;
  bool is_granted_later = false;
  std::size_t pieces_after_refusal = 0;

  explicit FirstAllocation(std::size_t n) {
    FreshHeaps fresh;
    run_thread([&] {
      flux::Allocator<T> allocator;
      fresh.pages().fail_from(n);
      try {
        allocator.deallocate(allocator.allocate(1), 1);
      } catch (const std::bad_alloc&) {
        is_refused = true;
      }
      pieces_after_refusal = fresh.pages().pieces();
      fresh.pages().fail_never();
      T* const later = allocator.allocate(1);
      is_granted_later = fresh.pages().holds(later);
      allocator.deallocate(later, 1);
    });
  }
};

// Grows a list on a new thread until it has `kElements`, while calls for memory fail from the n-th on, until
// one push was refused; whether the list always held what was put in, and how often it could not grow.
struct GrownList {
  static constexpr std::size_t kElements = 20'000;
  using Element = std::array<std::size_t, 30>;

  bool is_intact = true;
  std::size_t refused = 0;
  std::size_t calls = 0;

  explicit GrownList(std::size_t n) {
    FreshHeaps fresh(kSingleRegions);
    run_thread([&] {
      std::list<Element, flux::Allocator<Element>> list;
      n == 0 ? fresh.pages().fail_never() : fresh.pages().fail_from(n);
      while (list.size() != kElements) {
        try {
          list.push_back({list.size()});
        } catch (const std::bad_alloc&) {
          ++refused;
          fresh.pages().fail_never();
          is_intact = is_intact && holds_its_numbers(list);
        }
      }
      is_intact = is_intact && holds_its_numbers(list);
    });
    calls = fresh.pages().calls();
    is_intact = is_intact && complaint_about(*fresh.parked().front()).empty();
  }

  template <class List>
  static bool holds_its_numbers(const List& list) {
    std::size_t expected = 0;
    return std::ranges::all_of(list, [&](const Element& element) { return element[0] == expected++; });
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_heap_is_made_whole_or_not_at_all) {
  for (const std::size_t limit : {kLargePieces, kModestPieces, kSingleRegions})
    refuse_everywhere(kNothingButAHeap, limit);
}

BOOST_AUTO_TEST_CASE(the_first_allocation_of_a_class_is_granted_or_refused) {
  refuse_everywhere(kFirstOfSeveralClasses, kModestPieces);
}

BOOST_AUTO_TEST_CASE(growth_over_many_slabs_is_granted_or_refused) {
  refuse_everywhere(kManySlabs, kModestPieces);
}

BOOST_AUTO_TEST_CASE(growth_into_a_second_region_is_granted_or_refused) {
  refuse_everywhere(kSecondRegion, kModestPieces);
}

BOOST_AUTO_TEST_CASE(growth_into_a_second_piece_is_granted_or_refused) {
  refuse_everywhere(kSecondRegion, kSingleRegions);
}

BOOST_AUTO_TEST_CASE(growth_of_several_classes_is_granted_or_refused) {
  refuse_everywhere(kAllAtOnce, kSingleRegions);
}

BOOST_AUTO_TEST_CASE(the_first_allocation_of_a_thread_is_granted_or_bad_alloc) {
  std::size_t n = 1;
  for (;; ++n) {
    const FirstAllocation<Block<24>> first(n);
    BOOST_TEST(first.is_granted_later);
    if (!first.is_refused) break;
    BOOST_TEST(first.pieces_after_refusal == 0u);
  }
  BOOST_TEST(n >= 3u);
}

BOOST_AUTO_TEST_CASE(large_and_aligned_objects_are_refused_alike) {
  struct alignas(4096) Page {
    std::byte bytes[4096];
  };
  for (std::size_t n = 1; n != 3; ++n) {
    BOOST_TEST(FirstAllocation<Block<32'768>>(n).is_refused);
    BOOST_TEST(FirstAllocation<Page>(n).is_refused);
  }
}

BOOST_AUTO_TEST_CASE(a_list_that_cannot_grow_stays_as_it_is_and_grows_later) {
  const std::size_t calls = GrownList(0).calls;
  BOOST_TEST(calls >= 4u);
  for (std::size_t n = 1; n <= calls; ++n) {
    const GrownList list(n);
    BOOST_TEST(list.is_intact);
    BOOST_TEST(list.refused == 1u);
  }
}

BOOST_AUTO_TEST_CASE(what_is_freed_can_be_allocated_while_memory_is_out) {
  OwnHeap heap;
  heap.pages().fail_from(1);
  Objects all;
  for (const unsigned c : {2u, 31u, 87u}) {
    Objects objects = pop_many(*heap, c, SIZE_MAX);
    push_all(*heap, objects, c);
    const Objects again = pop_many(*heap, c, SIZE_MAX);
    BOOST_TEST(is_same_set(objects, again));
    post_all(*heap, again, c);
    objects = pop_many(*heap, c, SIZE_MAX);
    BOOST_TEST(is_same_set(objects, again));
    push_all(*heap, objects, c);
  }
  BOOST_TEST(complaint_about(*heap) == "");
}

BOOST_AUTO_TEST_CASE(what_one_class_freed_serves_another_while_memory_is_out) {
  constexpr unsigned kLast = kSmallClasses - 1, kLastButOne = kSmallClasses - 2;  // slabs of eight units
  for (const unsigned c : {0u, 2u, 31u, kLast}) {
    OwnHeap heap;
    heap.pages().fail_from(1);
    const Objects before = pop_many(*heap, kLastButOne, SIZE_MAX);
    push_all(*heap, before, kLastButOne);
    for (const bool by_others : {false, true}) {
      const Objects objects = pop_many(*heap, c, SIZE_MAX);
      by_others ? post_all(*heap, objects, c) : push_all(*heap, objects, c);
      const Objects after = pop_many(*heap, kLastButOne, SIZE_MAX);
      BOOST_TEST(after.size() == before.size());
      push_all(*heap, after, kLastButOne);
    }
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
