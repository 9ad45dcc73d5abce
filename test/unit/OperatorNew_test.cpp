// Memory of the program's operator new, in the plain and the aligned form.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/base/OperatorNew.hpp>
#include <limits>
#include <new>

#include "support/Pattern.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(operator_new_and_delete)

namespace {

using namespace flux::test;
using namespace flux::detail;

// Not known to the compiler, which would warn of it.
std::size_t hidden(std::size_t bytes) {
  volatile std::size_t copy = bytes;
  return copy;
}

}  // namespace

BOOST_AUTO_TEST_CASE(only_alignments_beyond_the_default_are_over_aligned) {
  BOOST_TEST(!is_over_aligned(1));
  BOOST_TEST(!is_over_aligned(__STDCPP_DEFAULT_NEW_ALIGNMENT__));
  BOOST_TEST(is_over_aligned(2 * __STDCPP_DEFAULT_NEW_ALIGNMENT__));
}

// operator new may align eight bytes for eight only, as jemalloc's does.
BOOST_AUTO_TEST_CASE(no_less_than_the_alignment_is_asked_for_where_the_plain_form_is) {
  BOOST_TEST(asked_bytes(8, 16) == 16u);
  BOOST_TEST(asked_bytes(8, 8) == 8u);
  BOOST_TEST(asked_bytes(17, 16) == 17u);
  BOOST_TEST(asked_bytes(8, 64) == 8u);
}

BOOST_AUTO_TEST_CASE(every_alignment_is_served_and_every_byte_is_usable) {
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, alignment, 3 * alignment, std::size_t{40'000}}) {
      void* const memory = operator_new(bytes, alignment);
      write_mark(memory, bytes, bytes + 1);
      BOOST_TEST(is_aligned(memory, alignment));
      BOOST_TEST(has_mark(memory, bytes, bytes + 1));
      operator_delete(memory, bytes, alignment);  // the sanitizers check that the form and the size fit
    }
}

BOOST_AUTO_TEST_CASE(what_no_address_space_could_hold_is_bad_alloc) {
  for (const std::size_t alignment : {8u, 64u, 4096u})
    for (const std::size_t less : {0u, 1u, 63u, 64u, 5000u})
      BOOST_CHECK_THROW(operator_new(hidden(SIZE_MAX - less), alignment), std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(what_no_memory_could_hold_is_bad_alloc) {
  if (is_instrumented()) return;  // there it ends the program
  const std::size_t too_many = hidden(std::numeric_limits<std::ptrdiff_t>::max());
  BOOST_CHECK_THROW(operator_new(too_many, 8), std::bad_alloc);
  BOOST_CHECK_THROW(operator_new(too_many, 4096), std::bad_alloc);
}

BOOST_AUTO_TEST_SUITE_END()
