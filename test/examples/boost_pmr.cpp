// Polymorphic memory resources of Boost's.
#include <boost/container/pmr/list.hpp>
#include <flux/BoostMemoryResource.hpp>

int main() {
  boost::container::pmr::list<int> numbers(flux::boost_memory_resource());
  numbers.push_back(1);

  return numbers.size() == 1 ? 0 : 1;
}
