// Takes all of flux in without a header of Boost: BurstAllocator only names the chains of Boost.Container.
#include <flux/BurstAllocator.hpp>
#include <flux/flux.hpp>
#include <list>

#if defined(BOOST_CONFIG_HPP) || defined(BOOST_VERSION)
#error "a header of flux includes Boost"
#endif

namespace {

bool works_as_a_single_allocator() {
  std::list<int, flux::BurstAllocator<int>> list(1000, 7);
  list.push_back(8);
  return list.size() == 1001 && list.back() == 8;
}

bool gives_and_takes_single_objects_and_arrays() {
  flux::BurstAllocator<long> allocator;
  allocator.deallocate_one(allocator.allocate_one());
  std::size_t count = 10;
  long* reuse = nullptr;
  long* const array = allocator.allocation_command(1, 10, count, reuse);  // allocate_new
  allocator.deallocate(array, count);
  return count == 10;
}

}  // namespace

int main() { return works_as_a_single_allocator() && gives_and_takes_single_objects_and_arrays() ? 0 : 1; }
