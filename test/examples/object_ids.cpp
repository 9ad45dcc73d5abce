// Orders that clients name by numbers.
#include <flux/HandlePool.hpp>

#include <cstdint>

struct Order {
  std::int64_t price;
  int quantity;
};

flux::HandlePool<Order> orders;

std::uint64_t place(std::int64_t price, int quantity) { return orders.create(price, quantity).to_bits(); }

bool cancel(std::uint64_t id) { return orders.destroy(flux::Handle<Order>::from_bits(id)); }

int quantity_of(std::uint64_t id) {
  const Order* const order = orders.get(flux::Handle<Order>::from_bits(id));
  return order == nullptr ? 0 : order->quantity;
}

int main() {
  const std::uint64_t id = place(10'050, 7);
  const bool is_there = quantity_of(id) == 7;
  const bool is_cancelled = cancel(id) && !cancel(id);             // the second one finds nothing
  const std::uint64_t next = place(10'051, 3);                     // perhaps where the first one was
  const bool is_gone = quantity_of(id) == 0 && quantity_of(0) == 0;  // and yet the old number names nothing
  return is_there && is_cancelled && is_gone && quantity_of(next) == 3 ? 0 : 1;
}
