// Packets that one thread receives and another one frees.
#include <flux/BufferPool.hpp>
#include <flux/Control.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <iostream>
#include <mutex>
#include <thread>
#include <utility>

flux::BufferPool packets({.classes = {256, 1536, 9216}, .zeroing = flux::Zeroing::kNone});

/// A queue between threads.
class Channel {
 public:
  void send(flux::Buffer packet) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(packet));
    is_ready_.notify_one();
  }

  flux::Buffer receive() {
    std::unique_lock lock(mutex_);
    if (waiting_.empty()) flux::flush();  // before it sleeps: what it freed goes home
    is_ready_.wait(lock, [this] { return !waiting_.empty(); });
    flux::Buffer packet = std::move(waiting_.front());
    waiting_.pop_front();
    return packet;
  }

 private:
  std::mutex mutex_;
  std::condition_variable is_ready_;
  std::deque<flux::Buffer> waiting_;
};

constexpr int kPackets = 10'000;

void read_packets(Channel& channel) {
  for (int i = 0; i != kPackets; ++i) {
    flux::Buffer packet = packets.get(1500);  // size() 1500, capacity() 1536
    packet.span()[0] = std::byte{0x45};       // stands for recv(socket, packet.data(), packet.size(), 0)
    channel.send(std::move(packet));          // no copy: the pointer goes
  }
}

void handle_packets(Channel& channel) {
  for (int i = 0; i != kPackets; ++i) {
    const flux::Buffer packet = channel.receive();
    static_cast<void>(packet.span()[0]);
  }                                           // each packet goes back at its end, to the thread that got it
}

int main() {
  Channel channel;
  std::thread handler(handle_packets, std::ref(channel));
  read_packets(channel);
  handler.join();

  for (const flux::BufferClassStatistics& each : packets.stats().classes)
    std::cout << each.capacity << " bytes: " << each.gets << " gets, " << each.puts << " puts, " << each.hits << " hits, "
              << each.misses << " misses, " << each.in_use << " in use\n";

  const flux::BufferClassStatistics of_1536 = packets.stats().classes[1];
  return of_1536.gets == kPackets && of_1536.in_use == 0 ? 0 : 1;
}
