// Do more threads get more done when nobody frees what he made? After xmalloc-test (Lever and Boreham, malloc()
// Performance in a Multithreaded Linux Environment, 2000): each thread makes batches of 64-byte objects, leaves
// them in a random place and frees what it finds there. Wall time per object made and freed by one thread.

#include <array>
#include <atomic>
#include <memory>

#include "support/Peer.hpp"
#include "support/Row.hpp"
#include "support/ThreadCounts.hpp"

namespace bench {
namespace {

struct Message {
  long words[8];
};

class Batch {
 public:
  Batch() {
    for (Message*& message : messages_) {
      message = allocator_.allocate(1);
      message->words[0] = 1;
    }
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() {
    for (Message* message : messages_) allocator_.deallocate(message, 1);
  }

  static constexpr std::size_t kMessages = 256;

 private:
  Allocator<Message> allocator_;
  std::array<Message*, kMessages> messages_;
};

// Batches on their way from one thread to another. Empty between two rows.
std::array<std::atomic<Batch*>, 64> on_the_way{};

void scaling_xmalloc(benchmark::State& state) {
  Random random(static_cast<std::uint64_t>(state.thread_index()));
  for (auto _ : counted(state)) {
    auto& place = on_the_way[random.below(2 * static_cast<std::size_t>(state.threads())) % on_the_way.size()];
    // acq_rel: pairs with itself in the other threads, whose messages come with the batch.
    delete place.exchange(new Batch, std::memory_order_acq_rel);
  }
  if (state.thread_index() == 0) {
    for (auto& place : on_the_way) delete place.exchange(nullptr, std::memory_order_acq_rel);
  }
  report(state, Batch::kMessages);
}

const bool added = add_rows_of_threads("scaling_xmalloc", scaling_xmalloc);

}  // namespace
}  // namespace bench
