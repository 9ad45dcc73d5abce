// Threads that allocate, hand over and free what others allocated, in every order.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "support/Objects.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(handover)

namespace {

using namespace flux::test;

class Mailbox {
 public:
  void post(Holdings&& batch) {
    const std::lock_guard lock(mutex_);
    held_.insert(held_.end(), batch.begin(), batch.end());
  }
  Holdings collect() {
    const std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  Holdings held_;
};

// Each thread allocates, posts to any mailbox, empties its own, and dies with objects still on their way.
class Exchange {
 public:
  Exchange(std::size_t threads, std::uint64_t stream) : mailboxes_(threads), stream_(stream) {}

  std::size_t run(std::size_t rounds) {
    run_threads(mailboxes_.size(), [&](std::size_t index) { work(index, rounds); });
    for (Mailbox& mailbox : mailboxes_) damaged_ += check_and_free(mailbox.collect());
    return damaged_;
  }

 private:
  void work(std::size_t index, std::size_t rounds) {
    Random random(stream_ + index);
    for (std::size_t round = 0; round < rounds; ++round) {
      mailboxes_[random.below(mailboxes_.size())].post(hold_mixed(random.below(300), random));
      Holdings mine = mailboxes_[index].collect();
      arrange(mine, kOrders[random.below(3)], random);
      damaged_ += check_and_free(mine);
    }
  }

  std::vector<Mailbox> mailboxes_;
  std::uint64_t stream_;
  std::atomic<std::size_t> damaged_{0};
};

// One thread makes, another frees, again and again, so that the maker gets its own objects back.
std::size_t hand_over(Order order, std::size_t size, std::size_t rounds) {
  Mailbox mailbox;
  std::atomic<bool> is_made_all{false};
  std::atomic<std::size_t> damaged{0};
  run_threads(2, [&](std::size_t index) {
    if (index == 0) {
      for (std::size_t round = 0; round < rounds; ++round) mailbox.post(hold_alike(1000, size));
      is_made_all = true;
      return;
    }
    Random random(size);
    while (!is_made_all) {
      Holdings batch = mailbox.collect();
      arrange(batch, order, random);
      damaged += check_and_free(batch);
    }
  });
  return damaged + check_and_free(mailbox.collect());
}

}  // namespace

BOOST_AUTO_TEST_CASE(objects_freed_by_another_thread_stay_intact_until_then_in_every_order) {
  for (const Order order : kOrders)
    for (const std::size_t size : {8u, 24u, 64u, 320u}) BOOST_TEST(hand_over(order, size, scaled(300)) == 0u);
}

BOOST_AUTO_TEST_CASE(as_many_threads_as_cores_exchange_objects) {
  BOOST_TEST(Exchange(2, 1).run(scaled(5000)) == 0u);
}

BOOST_AUTO_TEST_CASE(more_threads_than_cores_exchange_objects) {
  BOOST_TEST(Exchange(16, 10).run(scaled(2000)) == 0u);
}

BOOST_AUTO_TEST_CASE(generations_of_threads_exchange_objects) {
  std::size_t damaged = 0;
  for (std::uint64_t generation = 0; generation < scaled(500); ++generation)
    damaged += Exchange(8, 100 + 10 * generation).run(5);
  BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
