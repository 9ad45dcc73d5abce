// Threads that meet flux only in the destructor of a pthread key, after those of all thread-local objects.
#include <pthread.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/detail/heap/LocalHeap.hpp>
#include <functional>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Threads.hpp"

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 7;

/// Runs `late()` in the destructor of a pthread key of a thread that does nothing else.
void run_in_key_destructor(std::function<void()> late) {
  pthread_key_t key{};
  BOOST_REQUIRE(
      ::pthread_key_create(&key, [](void* work) { (*static_cast<std::function<void()>*>(work))(); }) == 0);
  run_thread([&] { ::pthread_setspecific(key, &late); });
  ::pthread_key_delete(key);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(local_heap_late)

BOOST_AUTO_TEST_CASE(threads_that_first_allocate_in_a_key_destructor_share_one_heap) {
  FreshHeaps fresh;
  for (int i = 0; i != 20; ++i) {
    run_in_key_destructor([] { deallocate(allocate(kClass), kClass); });
  }
  BOOST_TEST(fresh.pages().pieces() == 1u);
  BOOST_TEST(fresh.parked().size() == 1u);
}

BOOST_AUTO_TEST_CASE(what_a_thread_frees_in_a_key_destructor_comes_home) {
  FreshHeaps fresh;
  Objects objects;
  run_thread([&] { objects = allocate_many(kClass, 100); });
  run_in_key_destructor([&] { deallocate_all(objects, kClass); });
  run_thread([&] {
    deallocate(allocate(kClass), kClass);
    settle(*local_heap.heap());
    BOOST_TEST(census_of(*local_heap.heap()).away() == 0u);
  });
}

BOOST_AUTO_TEST_SUITE_END()
