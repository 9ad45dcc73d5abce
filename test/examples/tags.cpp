// Containers kept apart by tags, and polymorphic memory resources.
#include <flux/Allocator.hpp>
#include <flux/MemoryResource.hpp>

#include <list>
#include <map>
#include <memory_resource>
#include <string>

namespace {

struct Order {
  long price;
  int quantity;
};

struct Orders;  // names a domain; need not be complete

}  // namespace

int main() {
  std::list<Order, flux::Allocator<Order, Orders>> orders;                 // in slabs that hold nothing of other tags
  std::pmr::map<int, std::pmr::string> names(flux::memory_resource());     // any thread may use it, and free what it gave
  std::pmr::list<Order> more(flux::memory_resource<Orders>());             // the same, in the tag's slabs

  orders.push_back({100, 5});
  names[1] = "first";
  more.push_back({101, 2});
  return orders.size() == more.size() ? 0 : 1;
}
