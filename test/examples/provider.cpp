// Slabs for one type.
#include <flux/SlabProvider.hpp>

#include <cstddef>
#include <memory>

namespace {

struct Packet {
  Packet() = default;
  Packet(int sender, int receiver) : from(sender), to(receiver) {}

  int from;
  int to;
  std::byte bytes[40'000];
};

}  // namespace

using Packets = flux::SlabProvider<Packet, "Packets">;          // slabs that hold Packets alone, up to 1 MiB each

int main() {
  Packets::unique_ptr packet = Packets::make(1, 2);               // one pointer wide; any thread may end it
  std::shared_ptr<Packet> shared = Packets::make_shared(3, 4);
  Packets::unique_ptr unset = Packets::get_unique();              // its bytes are not set
  void* storage = Packets::alloc_raw();
  Packets::free_raw(storage);

  return packet->to + shared->from == 5 && unset != nullptr ? 0 : 1;
}
