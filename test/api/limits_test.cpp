// Counts that no memory could hold.
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <limits>
#include <new>
#include <tuple>
#include <vector>

BOOST_AUTO_TEST_SUITE(limits)

namespace {

struct Wide {
  char bytes[4096];
};
struct alignas(256) Aligned {
  char bytes[256];
};

using Types = std::tuple<short, long, Wide, Aligned>;
constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

// Not known to the compiler, which would warn of it.
std::size_t hidden(std::size_t count) {
  volatile std::size_t copy = count;
  return copy;
}

}  // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_count_whose_bytes_overflow_is_a_bad_array_new_length, T, Types) {
  flux::Allocator<T> allocator;
  BOOST_CHECK_THROW(std::ignore = allocator.allocate(hidden(kMost)), std::bad_array_new_length);
  BOOST_CHECK_THROW(std::ignore = allocator.allocate(hidden(kMost / sizeof(T) + 1)),
                    std::bad_array_new_length);
  BOOST_CHECK_THROW(std::ignore = allocator.allocate_at_least(hidden(kMost)), std::bad_array_new_length);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_count_whose_bytes_exceed_half_the_address_space_is_one_as_well, T, Types) {
  flux::Allocator<T> allocator;
  BOOST_CHECK_THROW(std::ignore = allocator.allocate(hidden(kMost / 2 / sizeof(T) + 1)),
                    std::bad_array_new_length);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(after_a_refusal_the_allocator_works_on, T, Types) {
  flux::Allocator<T> allocator;
  for (int i = 0; i < 100; ++i) {
    T* before = allocator.allocate(1);
    BOOST_CHECK_THROW(std::ignore = allocator.allocate(hidden(kMost)), std::bad_array_new_length);
    T* after = allocator.allocate(1);
    BOOST_TEST(before != after);
    allocator.deallocate(before, 1);
    allocator.deallocate(after, 1);
  }
}

BOOST_AUTO_TEST_CASE(a_vector_refuses_to_grow_beyond_its_maximum) {
  std::vector<long, flux::Allocator<long>> values;
  BOOST_CHECK_THROW(values.reserve(hidden(kMost)), std::length_error);
  values.assign(3, 5);
  BOOST_TEST(values.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
