// Memory that is ready, and memory that goes back.
#include <flux/Control.hpp>

#include <cstddef>

namespace {

struct Packet {
  std::byte bytes[64];
};
struct Order {
  long price;
};

}  // namespace

int main() {
  // For the calling thread, until it ends or trims: no system call, no page fault within 100,000 objects.
  flux::reserve<Packet>(100'000);  // of flux::Allocator<Packet>; reserve<Packet, Tag> and Packets::reserve for others
  flux::reserve(sizeof(Order) + 2 * sizeof(void*), 100'000);  // nodes of std::list<Order>; a map's: four pointers

  std::size_t bytes = flux::trim();  // give back all that holds no live object, reservations of this thread as well
  flux::flush();                     // send home what this thread freed of others' objects, up to 64 of each

  return bytes != 0 ? 0 : 1;
}
