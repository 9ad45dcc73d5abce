// Two thread heaps, driven by hand: objects that are popped, pushed and sent home in chains, heaps that are parked, owned,
// trimmed and helped, while the system refuses memory at times. All is found again, and no object is given twice.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <flux/detail/heap/LocalHeap.hpp>
#include <set>
#include <string>
#include <vector>

#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"
#include "support/FailingPageSource.hpp"
#include "support/HeapCensus.hpp"
#include "support/HeapObjects.hpp"
#include "support/ObjectSets.hpp"
#include "support/WithSetting.hpp"

namespace flux::test::fuzz {

namespace engine_by_hand {
namespace {

using detail::kSizeClasses;
using detail::stride_of;
using detail::ThreadHeap;

constexpr std::array<std::size_t, 5> kLimits{0, 65'536, 1u << 20, 32u << 20, SIZE_MAX};

/// A heap, and what is live in it.
struct Side {
  ThreadHeap* heap = nullptr;
  bool is_owned = true;
  bool has_reserved = false;
  std::array<Objects, kSizeClasses> live{};
  std::set<void*> all{};
};

class Run {
 public:
  explicit Run(Input& input) : input_(input), pages_(input.below(2) == 0 ? kModestPieces : kSingleRegions) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    // Outside of the heaps no part of the limit may stay theirs.
    for (OtherThread& thread : threads_) thread.flush();
    for (Side& side : sides_)
      if (side.heap != nullptr && !side.is_owned) static_cast<void>(side.heap->try_own());
  }

  void run() {
    if (!make_heaps()) return;
    for (unsigned i = 0; i != kMostSteps && !input_.is_over(); ++i) step(sides_[input_.below(2)]);
    pages_.fail_never();
    for (OtherThread& thread : threads_) thread.flush();
    for (Side& side : sides_) finish(side);
    expect(pages_.complaint().empty(), pages_.complaint().c_str());
  }

 private:
  static constexpr unsigned kMostSteps = 300;
  static constexpr std::size_t kMostBytes = std::size_t{48} << 20;
  static constexpr std::size_t kMostObjects = 20'000;

  bool make_heaps() {
    const std::size_t refused = input_.below(4);
    if (refused != 0) pages_.fail_at(refused);
    for (Side& side : sides_) side.heap = ThreadHeap::create(detail::domain_info<>);
    pages_.fail_never();
    for (Side& side : sides_) {
      expect(side.heap != nullptr || refused != 0, "a heap was refused though memory was not");
      if (side.heap == nullptr) side.heap = ThreadHeap::create(detail::domain_info<>);
    }
    return sides_[0].heap != nullptr && sides_[1].heap != nullptr;
  }

  void step(Side& side) {
    switch (input_.below(16)) {
      case 0:
      case 1:
      case 2:
        return pop(side);
      case 3:
      case 4:
        return push(side);
      case 5:
      case 6:
        return send(side);
      case 7:
        return threads_[input_.below(threads_.size())].flush();
      case 8:
        return trim(side);
      case 9:
        return reserve(side);
      case 10:
        return side.is_owned ? park(side) : own(side);
      case 11:
        return help(side);
      case 12:
        return fail();
      case 13:
        return detail::retention_limit.set(kLimits[input_.below(kLimits.size())]);
      case 14:
        return detail::huge_pages_from.set(kLimits[input_.below(kLimits.size())]);
      default:
        return check(side);
    }
  }

  // The first classes more often than the others.
  unsigned draw_class() {
    return static_cast<unsigned>(input_.below(256) % (kSizeClasses + 64) % kSizeClasses);
  }
  std::size_t draw_count(unsigned size_class) {
    return input_.count(std::min(kMostObjects, kMostBytes / 3 / stride_of(size_class)));
  }

  void pop(Side& side) {
    const unsigned c = draw_class();
    pop_some(side, c, draw_count(c), is_failing_);
  }

  void pop_some(Side& side, unsigned c, std::size_t count, bool may_fail) {
    if (!side.is_owned || bytes_ > kMostBytes || side.all.size() > kMostObjects) return;
    for (; count != 0; --count) {
      void* const object = side.heap->pop(c);
      if (object == nullptr) {
        expect(may_fail, "memory is out though the system refused none");
        return check(side);
      }
      expect(is_object_of(*side.heap, object, c), "what was popped is no object of the class");
      expect(side.all.insert(object).second, "an object was given twice");
      mark(object, c);
      side.live[c].push_back(object);
      bytes_ += stride_of(c);
    }
  }

  void* take(Side& side, unsigned c, std::size_t n) {
    Objects& live = side.live[c];
    std::swap(live[n % live.size()], live.back());
    void* const object = live.back();
    live.pop_back();
    side.all.erase(object);
    bytes_ -= stride_of(c);
    expect(is_marked(object, c), "an object was overwritten");
    return object;
  }

  /// Calls `free(object, size_class)` for some objects of a class that has any: the newest first, or in disorder.
  template <class Free>
  void free_some(Side& side, Free free) {
    unsigned c = draw_class();
    for (unsigned i = 0; i != kSizeClasses && side.live[c].empty(); ++i) c = (c + 1) % kSizeClasses;
    const bool is_newest_first = input_.below(2) == 0;
    std::size_t n = is_newest_first ? 0 : input_.below(65'536);
    for (std::size_t left = std::min(draw_count(c), side.live[c].size()); left != 0; --left) {
      n = is_newest_first ? side.live[c].size() - 1 : n * 31 + 7;
      free(take(side, c, n), c);
    }
  }

  void push(Side& side) {
    if (!side.is_owned) return;
    free_some(side, [&](void* object, unsigned c) { side.heap->push(object, c); });
  }

  void send(Side& side) {
    OtherThread& thread = threads_[input_.below(threads_.size())];
    free_some(side, [&](void* object, unsigned c) { thread.free(*side.heap, object, c); });
  }

  void trim(Side& side) {
    const bool is_mine = input_.below(2) == 1 && side.is_owned;
    const bool is_spared = !is_mine && side.is_owned && side.has_reserved;
    const std::size_t bytes = side.heap->trim(is_mine);
    expect(bytes % detail::kUnitBytes == 0, "parts of units were given back");
    expect(!is_spared || bytes == 0, "another took away what was reserved");
    expect(is_spared || side.heap->retained_bytes() == 0, "memory is retained after trim");
    if (is_mine || !side.is_owned) side.has_reserved = false;
  }

  /// What is reserved is there when the system refuses everything.
  void reserve(Side& side) {
    const unsigned c = draw_class();
    const std::size_t count =
        std::min(draw_count(c), std::max<std::size_t>((std::size_t{1} << 20) / stride_of(c), 1));
    if (!side.is_owned || bytes_ > kMostBytes || side.all.size() > kMostObjects) return;
    if (!side.heap->reserve(c, count))
      return expect(is_failing_, "a reservation was refused though memory was not");
    side.has_reserved = true;
    if (input_.below(2) == 0) return;
    pages_.fail_from(1);
    pop_some(side, c, count, false);
    expect(pages_.calls() == 0, "within what is reserved the system was asked for memory");
    pages_.fail_never();
    is_failing_ = false;
  }

  void park(Side& side) {
    side.heap->disown();
    side.is_owned = side.has_reserved = false;
  }

  void own(Side& side) {
    expect(side.heap->try_own(), "nobody works on a heap, and yet it cannot be owned");
    side.is_owned = true;
  }

  /// As those do who post to a heap that nobody attends to.
  void help(Side& side) {
    if (side.is_owned && side.has_reserved) return;
    side.heap->help();
  }

  void fail() {
    const std::size_t how = input_.below(16);
    is_failing_ = how >= 4;
    if (!is_failing_) return pages_.fail_never();
    how % 2 == 0 ? pages_.fail_at(how / 2 - 1) : pages_.fail_from(how / 2 - 1);
  }

  std::size_t in_threads(const Side& side) const {
    std::size_t count = 0;
    for (const OtherThread& thread : threads_)
      thread.for_each([&](void* object) { count += ThreadHeap::owner_of(object) == side.heap ? 1u : 0u; });
    return count;
  }

  void check(Side& side) {
    const std::string complaint = complaint_about(*side.heap);
    expect(complaint.empty(), complaint.c_str());
    const Census census = census_of(*side.heap);
    std::size_t free = 0;
    side.heap->for_each_free([&](void* object) {
      ++free;
      expect(!side.all.contains(object), "a live object is free");
    });
    expect(census.away() + census.in_bins == side.all.size() + in_threads(side) + free,
           "objects were lost, or came twice");
    for (unsigned c = 0; c != kSizeClasses; ++c)
      expect(are_marked(side.live[c], c), "an object was overwritten");
  }

  void finish(Side& side) {
    if (!side.is_owned) own(side);
    check(side);
    for (unsigned c = 0; c != kSizeClasses; ++c)
      while (!side.live[c].empty()) side.heap->push(take(side, c, 0), c);
    side.heap->trim(true);
    check(side);
    expect(census_of(*side.heap).slabs == 0, "slabs are left when all objects are home");
    expect(side.heap->retained_bytes() == 0, "memory is retained after trim");
  }

  Input& input_;
  FailingPageSource pages_;
  std::array<Side, 2> sides_{};
  std::array<OtherThread, 2> threads_{};
  bool is_failing_ = false;
  std::size_t bytes_ = 0;  ///< of live objects
};

}  // namespace
}  // namespace engine_by_hand

void fuzz_engine(Data data) {
  const WithRetentionLimit retention(detail::retention_limit.get());
  const WithHugePagesFrom huge_pages(detail::huge_pages_from.get());
  Input input(data);
  engine_by_hand::Run(input).run();
}

}  // namespace flux::test::fuzz
