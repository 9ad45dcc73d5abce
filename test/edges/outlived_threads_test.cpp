// Containers filled by a thread and destroyed when it has long ended, by others at any point of their lives.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(outlived_threads)

namespace {

using namespace flux::test;
using namespace flux::detail;

template <class T>
using Allocator = flux::Allocator<T>;
using Pair = std::pair<const long, long>;

constexpr long kElements = 3000;

struct Containers {
  std::list<long, Allocator<long>> list;
  std::map<long, long, std::less<>, Allocator<Pair>> map;
  std::unordered_map<long, long, std::hash<long>, std::equal_to<>, Allocator<Pair>> hashed;
  std::vector<std::shared_ptr<long>> shared;

  void fill() {
    for (long i = 0; i != kElements; ++i) {
      list.push_back(i);
      map[i] = i;
      hashed[i] = i;
      shared.push_back(std::allocate_shared<long>(Allocator<long>{}, i));
    }
  }
  bool is_filled() const {
    long i = 0;
    for (const long value : list) {
      if (value != i || map.at(i) != i || hashed.at(i) != i || *shared[static_cast<std::size_t>(i)] != i)
        return false;
      ++i;
    }
    return i == kElements;
  }
};

std::unique_ptr<Containers> filled_by_ended_thread() {
  auto containers = std::make_unique<Containers>();
  run_thread([&] { containers->fill(); });
  return containers;
}

void use_flux() { deallocate_all(allocate_many(5, 100), 5); }

thread_local std::unique_ptr<Containers> inherited;

// What a thread does with containers it came by, and whether all heaps got back what was theirs.
void check_destruction(std::function<void(std::unique_ptr<Containers>)> life) {
  FreshHeaps fresh;
  std::unique_ptr<Containers> containers = filled_by_ended_thread();
  BOOST_TEST(containers->is_filled());
  run_thread([&] { life(std::move(containers)); });
  BOOST_REQUIRE(!fresh.parked().empty());
  for (ThreadHeap* heap : fresh.parked()) {
    settle(*heap);
    BOOST_TEST(census_of(*heap).away() == 0u);
    BOOST_TEST(complaint_about(*heap) == "");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thread_without_a_heap_destroys_them) {
  check_destruction([](std::unique_ptr<Containers> containers) { containers.reset(); });
}

BOOST_AUTO_TEST_CASE(a_thread_that_adopted_their_heap_destroys_them) {
  check_destruction([](std::unique_ptr<Containers> containers) {
    use_flux();
    BOOST_TEST(local_heap<>.heap() == ThreadHeap::owner_of(&containers->list.front()));
    BOOST_TEST(containers->is_filled());
    containers.reset();
    use_flux();
  });
}

BOOST_AUTO_TEST_CASE(a_thread_with_another_heap_destroys_them_while_their_heap_is_adopted) {
  check_destruction([](std::unique_ptr<Containers> containers) {
    run_threads(2, [&](std::size_t index) {
      use_flux();
      if (index == 0) containers.reset();
      use_flux();
    });
  });
}

BOOST_AUTO_TEST_CASE(a_thread_local_objects_destructor_destroys_them) {
  check_destruction([](std::unique_ptr<Containers> containers) { inherited = std::move(containers); });
  check_destruction([](std::unique_ptr<Containers> containers) {
    inherited = std::move(containers);
    use_flux();
  });
}

BOOST_AUTO_TEST_CASE(a_thread_destroys_them_when_flux_has_ended_it) {
  check_destruction([](std::unique_ptr<Containers> containers) {
    use_flux();
    at_thread_end([left = containers.release()] {
      BOOST_TEST(local_heap<>.heap() == nullptr);
      delete left;
      use_flux();
    });
  });
}

BOOST_AUTO_TEST_CASE(each_of_many_threads_destroys_what_the_one_before_filled) {
  std::unique_ptr<Containers> handed_on;
  check_destruction([&](std::unique_ptr<Containers> first) {
    handed_on = std::move(first);
    for (int i = 0; i != 20; ++i) {
      run_thread([&] {
        auto own = std::make_unique<Containers>();
        own->fill();
        handed_on = std::move(own);
      });
    }
    handed_on.reset();
  });
}

BOOST_AUTO_TEST_SUITE_END()
