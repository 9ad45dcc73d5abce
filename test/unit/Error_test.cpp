// What ends the program says so, and what runs out throws.
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <flux/detail/base/Error.hpp>
#include <new>

#include "support/Death.hpp"

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(dying_aborts_with_the_reason_on_standard_error) {
  const flux::test::Death death = flux::test::death_of([] { flux::detail::die("the reason"); });
  BOOST_TEST(death.signal == SIGABRT);
  BOOST_TEST(death.message.find("flux: the reason\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(out_of_memory_throws_bad_alloc) {
  BOOST_CHECK_EXCEPTION(flux::detail::throw_bad_alloc(), std::bad_alloc, [](const std::bad_alloc& thrown) {
    return dynamic_cast<const std::bad_array_new_length*>(&thrown) == nullptr;
  });
}

BOOST_AUTO_TEST_CASE(too_many_objects_throw_bad_array_new_length) {
  BOOST_CHECK_THROW(flux::detail::throw_bad_array_new_length(), std::bad_array_new_length);
}

BOOST_AUTO_TEST_CASE(an_action_that_lives_on_is_no_death) {
  BOOST_TEST(flux::test::death_of([] {}).signal == 0);
}

BOOST_AUTO_TEST_SUITE_END()
