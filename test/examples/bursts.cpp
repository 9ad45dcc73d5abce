// Boost.Container's version 2.
#include <boost/container/list.hpp>
#include <flux/BurstAllocator.hpp>

#include <vector>

namespace {

struct Orders;

}  // namespace

int main() {
  const std::vector<long> day{1, 2, 3};

  boost::container::list<long, flux::BurstAllocator<long>> ticks(day.begin(), day.end());  // all nodes at once
  boost::container::list<long, flux::BurstAllocator<long, Orders>> orders;
  orders.insert(orders.end(), ticks.begin(), ticks.end());
  ticks.clear();                                                                           // all nodes at once

  return orders.size() == 3 ? 0 : 1;
}
