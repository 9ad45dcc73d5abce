#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

namespace bench {

/// Hands fixed batches of pointers from one thread to one other, in place: the queue's own cost is an atomic
/// load and store per batch. Equations: 0 <= written_ - read_ <= kSlots; slot i of a turn is i mod kSlots.
template <class T, std::size_t kBatchSize, std::size_t kSlots>
class BatchRing {
 public:
  using Batch = std::array<T*, kBatchSize>;

  /// Producer: waits for a free slot, lets `write(batch)` fill it, and shows it to the consumer.
  template <class Write>
  void push(Write write) {
    const std::size_t turn = written_.load(std::memory_order_relaxed);  // only this thread writes it
    // acquire pairs with pop's release: the consumer is done with the slot
    wait([&] { return turn - read_.load(std::memory_order_acquire) < kSlots; });
    write(slots_[turn % kSlots]);
    written_.store(turn + 1, std::memory_order_release);  // pairs with pop's acquire: the batch is written
  }

  /// Consumer: waits for a batch, lets `read(batch)` use it, and gives the slot back.
  template <class Read>
  void pop(Read read) {
    const std::size_t turn = read_.load(std::memory_order_relaxed);  // only this thread writes it
    // acquire pairs with push's release: the batch is written
    wait([&] { return written_.load(std::memory_order_acquire) != turn; });
    read(slots_[turn % kSlots]);
    read_.store(turn + 1, std::memory_order_release);  // pairs with push's acquire: the slot is free
  }

 private:
  static constexpr std::size_t kLine = 128;

  /// Spins for a while, then lets others run: the cores are shared.
  template <class Ready>
  static void wait(Ready ready) {
    for (unsigned spins = 0; !ready(); ++spins) {
      if (spins > 2'000) std::this_thread::yield();
    }
  }

  alignas(kLine) std::atomic<std::size_t> written_ = 0;
  alignas(kLine) std::atomic<std::size_t> read_ = 0;
  alignas(kLine) std::array<Batch, kSlots> slots_ = {};
};

}  // namespace bench
