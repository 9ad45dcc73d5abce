// A mistake that a checked build ends.
#include <flux/Allocator.hpp>

struct Order {
  long words[5];
};
struct Orders;

int main() {
  flux::Allocator<Order, Orders> allocator;
  Order* const order = allocator.allocate(1);
  allocator.deallocate(order, 1);
  allocator.deallocate(order, 1);  // the program ends here
}
