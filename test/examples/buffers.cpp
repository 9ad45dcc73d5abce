// Byte buffers.
#include <flux/BufferPool.hpp>

#include <cstddef>
#include <thread>
#include <utility>

int main() {
  flux::BufferPool pool;                                                    // 2 B to 1 MiB in powers of two, zeroed
  flux::BufferPool packets({.classes = {256, 1500, 9000}, .zeroing = flux::Zeroing::kNone});
  flux::Buffer packet = packets.get(1200);                                  // size() 1200, capacity() 1500
  packet.span()[0] = std::byte{0x45};
  std::thread([sent = std::move(packet)] { (void)sent.span().size(); }).join();  // goes back at its end, wherever that is

  return packets.stats().classes[1].in_use == 0 && pool.get(100).capacity() == 128 ? 0 : 1;
}
