// Containers that die when their thread or the program ends, before and after the thread's heap is parked.
#include <pthread.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(thread_exit)

namespace {

using namespace flux::test;

using List = std::list<long, flux::Allocator<long>>;
using Map = std::map<long, long, std::less<long>, flux::Allocator<std::pair<const long, long>>>;

std::atomic<std::size_t> destroyed{0};

void fill(List& list, long count = 500) {
  for (long i = 0; i < count; ++i) list.push_back(i);
}

bool is_filled(const List& list) {
  long expected = 0;
  for (const long value : list)
    if (value != expected++) return false;
  return expected > 0;
}

// Counts itself as destroyed if its content is intact, frees it, and allocates once more while the thread
// dies.
struct Farewell {
  List list;
  ~Farewell() {
    List last;
    fill(last);
    if (is_filled(list) && is_filled(last)) ++destroyed;
  }
};

thread_local Farewell farewell;
thread_local Farewell named_first;

List static_list;  // filled below, destroyed at the end of the program
const std::unique_ptr<Map> static_map = std::make_unique<Map>();

std::size_t destroyed_by(std::size_t threads, void (*life)()) {
  destroyed = 0;
  for (std::size_t i = 0; i < threads; ++i) run_thread(life);
  return destroyed;
}

pthread_key_t key_of_list() {
  static const pthread_key_t key = [] {
    pthread_key_t made{};
    pthread_key_create(&made, [](void* list) {
      if (is_filled(*static_cast<List*>(list))) ++destroyed;
      delete static_cast<List*>(list);
    });
    return made;
  }();
  return key;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_thread_local_container_made_before_the_first_allocation_is_freed_at_exit) {
  const std::size_t threads = scaled(1000);
  BOOST_TEST(destroyed_by(threads, [] { fill(farewell.list); }) == threads);
}

BOOST_AUTO_TEST_CASE(a_thread_local_container_made_after_the_first_allocation_is_freed_at_exit) {
  const std::size_t threads = scaled(1000);
  const auto life = [] {
    List early;
    fill(early);
    fill(farewell.list);
  };
  BOOST_TEST(destroyed_by(threads, life) == threads);
}

BOOST_AUTO_TEST_CASE(two_thread_local_containers_may_hold_each_others_nodes) {
  const std::size_t threads = scaled(1000);
  const auto life = [] {
    fill(named_first.list);
    fill(farewell.list);
    named_first.list.swap(farewell.list);
  };
  BOOST_TEST(destroyed_by(threads, life) == 2 * threads);
}

BOOST_AUTO_TEST_CASE(a_container_freed_by_a_thread_specific_key_is_freed_after_all_else) {
  const std::size_t threads = scaled(1000);
  const auto life = [] {
    auto* list = new List;
    fill(*list);
    pthread_setspecific(key_of_list(), list);
  };
  BOOST_TEST(destroyed_by(threads, life) == threads);
}

BOOST_AUTO_TEST_CASE(many_threads_end_at_once) {
  destroyed = 0;
  for (std::size_t round = 0; round < scaled(200); ++round)
    run_threads(16, [](std::size_t) { fill(farewell.list, 100); });
  BOOST_TEST(destroyed == 16 * scaled(200));
}

BOOST_AUTO_TEST_CASE(a_static_container_takes_nodes_of_this_and_of_ended_threads_to_the_end_of_the_program) {
  fill(static_list);
  run_thread([] {
    List made;
    fill(made);
    static_list.splice(static_list.end(), made);
    for (long i = 0; i < 500; ++i) (*static_map)[i] = i;
  });
  for (long i = 500; i < 1000; ++i) (*static_map)[i] = i;
  BOOST_TEST(static_list.size() == 1000u);
  BOOST_TEST(static_map->size() == 1000u);
}

BOOST_AUTO_TEST_SUITE_END()
