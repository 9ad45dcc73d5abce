// Control blocks and shared states that come from the allocator.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(shared_ownership)

namespace {

struct Counted {
  explicit Counted(int given) : value(given) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  int value;
  static inline int alive = 0;
};

struct alignas(128) Aligned : std::enable_shared_from_this<Aligned> {
  long value = 5;
};

}  // namespace

BOOST_AUTO_TEST_CASE(allocate_shared_makes_and_destroys_its_object) {
  auto first = std::allocate_shared<Counted>(flux::Allocator<Counted>{}, 7);
  auto second = first;
  first.reset();
  BOOST_TEST(second->value == 7);
  BOOST_TEST(Counted::alive == 1);
  second.reset();
  BOOST_TEST(Counted::alive == 0);
}

BOOST_AUTO_TEST_CASE(a_weak_pointer_outlives_the_object) {
  std::weak_ptr<Counted> weak;
  {
    auto shared = std::allocate_shared<Counted>(flux::Allocator<Counted>{}, 7);
    weak = shared;
    BOOST_TEST(weak.lock()->value == 7);
  }
  BOOST_TEST(weak.expired());
  BOOST_TEST(Counted::alive == 0);
  BOOST_TEST(weak.use_count() == 0);
}

BOOST_AUTO_TEST_CASE(any_allocator_of_the_family_will_do) {
  BOOST_TEST(*std::allocate_shared<int>(flux::Allocator<void>{}, 5) == 5);
  BOOST_TEST(*std::allocate_shared<int>(flux::Allocator<char>{}, 5) == 5);
}

BOOST_AUTO_TEST_CASE(an_aligned_object_is_aligned_and_shares_itself) {
  const auto shared = std::allocate_shared<Aligned>(flux::Allocator<Aligned>{});
  BOOST_TEST(reinterpret_cast<std::size_t>(shared.get()) % 128 == 0u);
  BOOST_TEST(shared->shared_from_this()->value == 5);
}

BOOST_AUTO_TEST_CASE(a_deleter_is_kept_in_a_control_block_of_the_allocator) {
  int deleted = 0;
  {
    int value = 0;
    const std::shared_ptr<int> shared(
        &value, [&](int*) { ++deleted; }, flux::Allocator<int>{});
    const auto other = shared;
  }
  BOOST_TEST(deleted == 1);
}

#if defined(__cpp_lib_shared_ptr_arrays) && __cpp_lib_shared_ptr_arrays >= 201707L
BOOST_AUTO_TEST_CASE(an_array_is_shared) {
  const auto array = std::allocate_shared<int[]>(flux::Allocator<int>{}, 100, 7);
  BOOST_TEST(array[99] == 7);
}
#endif

BOOST_AUTO_TEST_CASE(the_last_owner_may_be_another_thread) {
  auto shared = std::allocate_shared<Counted>(flux::Allocator<Counted>{}, 7);
  std::thread([owner = std::move(shared)]() mutable { owner.reset(); }).join();
  BOOST_TEST(Counted::alive == 0);
}

BOOST_AUTO_TEST_CASE(a_promise_keeps_its_shared_state_in_the_allocator) {
  std::promise<std::string> promise(std::allocator_arg, flux::Allocator<char>{});
  std::promise<void> done(std::allocator_arg, flux::Allocator<void>{});
  auto future = promise.get_future();
  std::thread([&] {
    promise.set_value("kept");
    done.set_value();
  }).join();
  BOOST_TEST(future.get() == "kept");
  done.get_future().get();
}

BOOST_AUTO_TEST_CASE(a_promise_hands_on_an_exception_and_may_be_broken) {
  std::future<int> broken;
  {
    std::promise<int> promise(std::allocator_arg, flux::Allocator<int>{});
    broken = promise.get_future();
  }
  BOOST_CHECK_THROW(broken.get(), std::future_error);
  std::promise<int&> thrown(std::allocator_arg, flux::Allocator<int>{});
  thrown.set_exception(std::make_exception_ptr(std::runtime_error("no")));
  BOOST_CHECK_THROW(thrown.get_future().get(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(thousands_of_shared_objects_live_and_die) {
  std::vector<std::shared_ptr<Counted>> all;
  for (int i = 0; i < 5000; ++i) all.push_back(std::allocate_shared<Counted>(flux::Allocator<Counted>{}, i));
  for (std::size_t i = 0; i < all.size(); i += 2) all[i].reset();
  BOOST_TEST(Counted::alive == 2500);
  all.clear();
  BOOST_TEST(Counted::alive == 0);
}

BOOST_AUTO_TEST_SUITE_END()
