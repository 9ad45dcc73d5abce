// From Boost.Pool to flux.
#include <boost/pool/object_pool.hpp>
#include <boost/pool/pool_alloc.hpp>
#include <flux/Allocator.hpp>
#include <flux/SlabProvider.hpp>

#include <list>

namespace {

struct Packet {
  Packet(int sender, int receiver) : from(sender), to(receiver) {}
  int from;
  int to;
};

using Packets = flux::SlabProvider<Packet, "Packets">;

int before() {
  std::list<int, boost::fast_pool_allocator<int>> numbers{3, 1, 2};

  boost::object_pool<Packet> packets;
  Packet* packet = packets.construct(1, 2);
  const int sum = packet->from + packet->to;
  packets.destroy(packet);
  return sum + numbers.front();
}

int after() {
  std::list<int, flux::Allocator<int>> numbers{3, 1, 2};

  Packets::unique_ptr packet = Packets::make(1, 2);
  const int sum = packet->from + packet->to;
  return sum + numbers.front();
}

}  // namespace

int main() { return before() == after() ? 0 : 1; }
