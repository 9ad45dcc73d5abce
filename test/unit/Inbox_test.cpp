// An inbox gives its owner all that was posted, once.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/Inbox.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "support/ChainWalk.hpp"
#include "support/ObjectSets.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(inbox)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr unsigned kClass = 1;
constexpr std::size_t kStride = stride_of(kClass);

// Free objects of kStride bytes.
class FreeObjects {
 public:
  explicit FreeObjects(std::size_t count) : words_(new std::size_t[count * kWords]), count_(count) {}

  std::size_t* object(std::size_t index) { return words_.get() + index * kWords; }

  /// Posts [first, last) as one chain; into those that are carried it has written their address just before.
  void post(Inbox& inbox, std::size_t first, std::size_t last) {
    Chain chain;
    for (std::size_t i = first; i != last; ++i) {
      *object(i) = reinterpret_cast<std::uintptr_t>(object(i));
      chain.add(ObjectRun(object(i), kClass), 1, kClass);
    }
    chain.close([&](Carrier* from, Carrier* to) { inbox.post_remote(from, to); });
  }

  Objects all() {
    Objects objects;
    for (std::size_t i = 0; i != count_; ++i) objects.push_back(object(i));
    return objects;
  }

 private:
  static constexpr std::size_t kWords = kStride / sizeof(std::size_t);

  std::unique_ptr<std::size_t[]> words_;
  std::size_t count_;
};

// What an owner took, and in how many carried objects, and runs, it read something else than their address.
struct Taken {
  Objects objects;
  std::size_t carried = 0;
  std::size_t alone = 0;  // runs posted by themselves
  std::size_t misread = 0;

  void take(Inbox& inbox) {
    inbox.take_runs([this](ObjectRun run) {
      ++alone;
      misread +=
          *reinterpret_cast<std::size_t*>(run.first()) != reinterpret_cast<std::uintptr_t>(run.first());
      objects.push_back(run.first());
    });
    add(inbox.take_all());
  }

 private:
  void add(Carrier* first) {
    for (Carrier* carrier = first; carrier != nullptr; carrier = carrier->following())
      if (std::byte* const object = Carrier::get(carrier->places()).first()) {
        ++carried;
        misread += *reinterpret_cast<std::size_t*>(object) != reinterpret_cast<std::uintptr_t>(object);
      }
    append(objects, objects_of(first, kStride));
  }
};

constexpr std::size_t kPosters = 4;

// What the owner takes while threads post `each` object of their share. The atomics are relaxed: only the
// inbox may make anything visible. All posters wait in the middle until the owner has taken something.
Taken take_while_posting(Inbox& inbox, FreeObjects& objects, std::size_t each) {
  std::atomic<std::size_t> posting{kPosters};
  std::atomic<bool> has_taken{false};
  Taken taken;
  run_threads(kPosters + 1, [&](std::size_t index) {
    if (index == kPosters) {
      while (posting.load(std::memory_order_relaxed) != 0) {
        taken.take(inbox);
        if (!taken.objects.empty()) has_taken.store(true, std::memory_order_relaxed);
      }
      return;
    }
    for (std::size_t i = 0, length = 1; i < each; i += length, length = length % 3 + 1) {
      while (i > each / 2 && !has_taken.load(std::memory_order_relaxed)) std::this_thread::yield();
      const std::size_t first = index * each + i;
      *objects.object(first) = reinterpret_cast<std::uintptr_t>(objects.object(first));
      if (length != 1 || !inbox.try_post_remote(ObjectRun(objects.object(first), kClass), i))
        objects.post(inbox, first, index * each + std::min(i + length, each));
    }
    posting.fetch_sub(1, std::memory_order_relaxed);
  });
  taken.take(inbox);
  return taken;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_inbox_gives_nothing) {
  Inbox inbox;
  BOOST_TEST(inbox.take_all() == nullptr);
}

BOOST_AUTO_TEST_CASE(what_was_posted_is_taken_once) {
  Inbox inbox;
  FreeObjects objects(10);
  objects.post(inbox, 0, 10);
  BOOST_TEST(is_same_set(objects_of(inbox.take_all(), kStride), objects.all()));
  BOOST_TEST(inbox.take_all() == nullptr);
}

BOOST_AUTO_TEST_CASE(several_chains_are_taken_as_one_run) {
  for (std::size_t length = 1; length <= 9; ++length) {
    Inbox inbox;
    FreeObjects objects(20 * length);
    for (std::size_t i = 0; i != 20; ++i) objects.post(inbox, i * length, (i + 1) * length);
    BOOST_TEST(is_same_set(objects_of(inbox.take_all(), kStride), objects.all()));
  }
}

BOOST_AUTO_TEST_CASE(a_run_by_itself_is_taken_once_and_there_are_places_for_four_whatever_the_turn) {
  FreeObjects objects(10);
  for (std::size_t turn = 0; turn != 9; ++turn) {
    Inbox inbox;
    Objects posted, seen, taken;
    for (std::size_t i = 0; i != 6; ++i) {
      const bool is_posted = inbox.try_post_remote(ObjectRun(objects.object(i), kClass), turn);
      BOOST_TEST(is_posted == (i < Inbox::kPlaces));
      if (is_posted) posted.push_back(objects.object(i));
      BOOST_TEST(!inbox.is_empty());
    }
    objects.post(inbox, 6, 10);
    inbox.peek_runs([&seen](ObjectRun run) { seen.push_back(run.first()); });
    inbox.take_runs([&taken](ObjectRun run) { taken.push_back(run.first()); });
    BOOST_TEST((is_same_set(seen, posted) && is_same_set(taken, posted)));
    BOOST_TEST(!inbox.is_empty());
    BOOST_TEST(objects_of(inbox.take_all(), kStride).size() == 4u);
    BOOST_TEST(inbox.is_empty());
    inbox.take_runs([](ObjectRun) { BOOST_TEST(false); });
    BOOST_TEST(inbox.try_post_remote(ObjectRun(objects.object(0), kClass), turn));
  }
}

BOOST_AUTO_TEST_CASE(threads_that_post_while_the_owner_takes_lose_nothing_and_their_writes_are_seen) {
  for (std::size_t round = 0; round != scaled(20); ++round) {
    const std::size_t each = scaled(100'000);
    Inbox inbox;
    FreeObjects objects(kPosters * each);
    const Taken taken = take_while_posting(inbox, objects, each);
    BOOST_TEST(is_same_set(taken.objects, objects.all()));
    BOOST_TEST(taken.carried > each);
    BOOST_TEST(taken.alone > 0u);
    BOOST_TEST(taken.misread == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()
