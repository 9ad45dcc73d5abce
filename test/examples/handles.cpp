// Objects named by handles.
#include <flux/HandlePool.hpp>

namespace {

struct Order {
  Order(long its_price, int its_quantity) : price(its_price), quantity(its_quantity) {}
  long price;
  int quantity;
};

}  // namespace

int main() {
  flux::HandlePool<Order> orders;
  flux::Handle<Order> first = orders.create(100L, 5);           // 64 bits: store them, send them, get them back

  if (Order* order = orders.get(first)) order->quantity -= 2;  // nullptr when it is gone
  orders.destroy(first);                                       // false when somebody else did
  bool lives = orders.contains(first);                         // false, whatever lives in its place by now
  orders.for_each([](flux::Handle<Order>, Order& order) { order.quantity = 0; });

  return orders.size() == 0 && !lives ? 0 : 1;
}
