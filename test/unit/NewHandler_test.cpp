// std::set_new_handler works with flux as it does with operator new.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/Allocator.hpp>
#include <functional>
#include <new>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "support/FreshHeaps.hpp"
#include "support/HeapObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(new_handler)

namespace {

using namespace flux::test;
using namespace flux::detail;

struct Item {
  std::byte bytes[64];
};
constexpr unsigned kClass = size_class_of(sizeof(Item));

// A handler while it lives, and how often it was called.
class Handler {
 public:
  explicit Handler(std::function<void()> action) {
    action_ = std::move(action);
    calls_ = 0;
    before_ = std::set_new_handler([] {
      ++calls_;
      action_();
    });
  }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() { std::set_new_handler(before_); }

  std::size_t calls() const { return calls_; }

 private:
  static inline std::function<void()> action_;
  static inline std::size_t calls_ = 0;
  std::new_handler before_ = nullptr;
};

// Runs `life` on a new thread that gets no memory from the system, and whose allocations the handler hears
// of.
template <class Life>
void run_without_memory(FreshHeaps& fresh, Life life) {
  run_thread([&] {
    fresh.pages().fail_from(1);
    life();
  });
}

// Allocates until memory is out. Requires that there is no handler.
Objects allocate_all() {
  Objects objects;
  try {
    for (;;) objects.push_back(allocate(kClass));
  } catch (const std::bad_alloc&) {
    return objects;
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_a_handler_out_of_memory_is_bad_alloc) {
  FreshHeaps fresh;
  run_without_memory(
      fresh, [] { BOOST_CHECK_THROW(std::ignore = flux::Allocator<Item>{}.allocate(1), std::bad_alloc); });
}

BOOST_AUTO_TEST_CASE(a_handler_that_brings_memory_back_is_called_once) {
  FreshHeaps fresh;
  const Handler handler([&] { fresh.pages().fail_never(); });
  run_without_memory(fresh, [] {
    flux::Allocator<Item> allocator;
    allocator.deallocate(allocator.allocate(1), 1);
  });
  BOOST_TEST(handler.calls() == 1u);
}

BOOST_AUTO_TEST_CASE(a_handler_is_called_until_memory_is_back) {
  FreshHeaps fresh;
  std::size_t left = 5;
  const Handler handler([&] {
    if (--left == 0) fresh.pages().fail_never();
  });
  run_without_memory(fresh, [] {
    flux::Allocator<Item> allocator;
    allocator.deallocate(allocator.allocate(1), 1);
  });
  BOOST_TEST(handler.calls() == 5u);
}

BOOST_AUTO_TEST_CASE(what_a_handler_throws_leaves_the_allocation_and_the_heap_as_it_was) {
  FreshHeaps fresh;
  run_thread([&] {
    const Objects live = allocate_many(kClass, 100);
    fresh.pages().fail_from(1);
    const Objects rest = allocate_all();
    const Handler handler([] { throw std::runtime_error("no more"); });
    BOOST_CHECK_THROW(std::ignore = flux::Allocator<Item>{}.allocate(1), std::runtime_error);
    BOOST_TEST(handler.calls() == 1u);
    BOOST_TEST(are_marked(live, kClass));
    BOOST_TEST(census_of(*local_heap<>.heap()).away() == live.size() + rest.size());
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_free_objects_and_the_allocation_gets_one) {
  FreshHeaps fresh;
  run_thread([&] {
    fresh.pages().fail_never();
    allocate(kClass);
    fresh.pages().fail_from(1);
    Objects reserve = allocate_all();
    void* const spare = reserve.back();
    const Handler handler([&] { deallocate(spare, kClass); });
    BOOST_TEST(allocate(kClass) == spare);
    BOOST_TEST(handler.calls() == 1u);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_have_another_thread_free_objects) {
  FreshHeaps fresh;
  run_thread([&] {
    allocate(kClass);
    fresh.pages().fail_from(1);
    const Objects reserve = allocate_all();
    const Handler handler([&] { run_thread([&] { deallocate(reserve[7], kClass); }); });
    BOOST_TEST(allocate(kClass) == reserve[7]);
    BOOST_TEST(handler.calls() == 1u);
  });
}

BOOST_AUTO_TEST_CASE(a_handler_may_use_flux_itself) {
  FreshHeaps fresh;
  run_thread([&] {
    constexpr unsigned kOther = kClass + 1;
    allocate(kOther);  // so that a slab of the class stays
    fresh.pages().fail_from(1);
    allocate_all();
    const Handler handler([&] {
      fresh.pages().fail_never();
      deallocate_all(allocate_many(kOther, 10), kOther);
    });
    BOOST_TEST(local_heap<>.heap() == ThreadHeap::owner_of(allocate(kClass)));
    BOOST_TEST(handler.calls() == 1u);
    BOOST_TEST(complaint_about(*local_heap<>.heap()) == "");
  });
}

BOOST_AUTO_TEST_SUITE_END()
