// The system refuses memory at the n-th call, for every n and on every face: what was asked for is refused or granted,
// what there is stays as it is, and nothing is lost.
#include <algorithm>
#include <array>
#include <boost/container/list.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <ostream>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "support/FailingPageSource.hpp"
#include "support/HeapCensus.hpp"
#include "support/InChild.hpp"
#include "support/Pattern.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(faults)

namespace {

using namespace flux::test;

struct Outcome {
  std::size_t refused = 0;  ///< operations, each of which was repeated
  bool is_reached = false;  ///< the n-th call
  bool is_intact = true;    ///< what the face held, whenever it was looked at
  std::size_t live = 0;     ///< objects in the end
  bool is_valid = true;     ///< every heap
  bool is_page_source_content = false;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.refused << " refused, intact " << outcome.is_intact << ", live " << outcome.live
             << ", valid " << outcome.is_valid << ", pages " << outcome.is_page_source_content;
}

// What a face is tried with: an operation that is refused is repeated when memory is back.
class Trial {
 public:
  Trial(FailingPageSource& pages, bool is_lasting, std::size_t n) : pages_(pages) {
    is_lasting ? pages.fail_from(n) : pages.fail_at(n);
  }

  template <class Operation>
  void operator()(Operation operation) {
    for (;; pages_.fail_never()) {
      try {
        return operation();
      } catch (const std::bad_alloc&) {
        ++outcome.refused;
      }
    }
  }
  void expect(bool is_good) { outcome.is_intact = outcome.is_intact && is_good; }

  Outcome outcome;

 private:
  FailingPageSource& pages_;
};

/// Calls `face(trial)` in a process of its own for each call for memory that it makes, with that one refused, and with it
/// and all that follow, until there are none left. A refusal is seen by the face at least once.
template <class Face>
void refuse_every_call(Face face) {
  for (const bool is_lasting : {false, true}) {
    std::size_t refused = 0;
    bool is_reached = true;
    for (std::size_t n = 1; is_reached; ++n) {
      const Outcome outcome = in_child([&] {
        adopt_all(flux::detail::parked_heaps<
                  flux::detail::BufferDomain>);  // of suites before: their pages are not of this source
        auto& pages = *new FailingPageSource(kSingleRegions);  // heaps live on in it
        Trial trial(pages, is_lasting, n);
        run_thread([&] { face(trial); });
        trial.outcome.is_reached = pages.calls() >= n || trial.outcome.refused != 0;
        pages.fail_never();
        flux::trim();
        flux::detail::heap_list.for_each([&](flux::detail::ThreadHeap& heap) {
          if (!complaint_about(heap).empty()) trial.outcome.is_valid = false;
        });
        flux::visit_all([&](const flux::SlabView& slab) { trial.outcome.live += slab.live(); });
        trial.outcome.is_page_source_content = pages.complaint().empty();
        return trial.outcome;
      });
      BOOST_TEST_CONTEXT("call " << n << (is_lasting ? " and all after it" : "")) {
        BOOST_TEST(
            (outcome.is_intact && outcome.live == 0 && outcome.is_valid && outcome.is_page_source_content),
            outcome);
      }
      refused += outcome.refused;
      is_reached = outcome.is_reached;
    }
    BOOST_TEST(refused >= 1u);
  }
}

using Element = std::array<std::size_t, 30>;
const std::size_t kElements = is_instrumented() ? 4'000 : 20'000;  // some pieces of memory

template <class List>
void grow_and_clear(Trial& trial, List& list) {
  for (std::size_t i = 0; i != kElements; ++i) {
    trial([&] { list.push_back({i}); });
    if (i % 1'000 == 0) trial.expect(list.size() == i + 1);
  }
  std::size_t expected = 0;
  trial.expect(std::ranges::all_of(list, [&](const Element& element) { return element[0] == expected++; }));
  list.clear();
}

struct Orders;
using Provider = flux::SlabProvider<Element, "faults">;

}  // namespace

BOOST_AUTO_TEST_CASE(a_list_over_an_allocator_is_granted_or_refused_each_node) {
  refuse_every_call([](Trial& trial) {
    std::list<Element, flux::Allocator<Element>> list;
    grow_and_clear(trial, list);
  });
}

BOOST_AUTO_TEST_CASE(a_map_under_a_tag_is_granted_or_refused_each_node) {
  refuse_every_call([](Trial& trial) {
    std::map<std::size_t, Element, std::less<>,
             flux::Allocator<std::pair<const std::size_t, Element>, Orders>>
        map;
    for (std::size_t i = 0; i != kElements; ++i)
      trial([&] { map.try_emplace(i * 7919 % kElements, Element{i}); });
    trial.expect(map.size() == kElements);
    for (std::size_t i = 0; i != kElements; ++i) trial.expect(map.at(i * 7919 % kElements)[0] == i);
  });
}

BOOST_AUTO_TEST_CASE(a_provider_makes_whole_objects_or_none) {
  refuse_every_call([](Trial& trial) {
    std::vector<Provider::unique_ptr> unique;
    std::vector<std::shared_ptr<Element>> shared;
    for (std::size_t i = 0; i != kElements / 2; ++i) {
      trial([&] { unique.push_back(Provider::make(Element{i})); });
      trial([&] { shared.push_back(Provider::make_shared(Element{i})); });
    }
    for (std::size_t i = 0; i != kElements / 2; ++i)
      trial.expect((*unique[i])[0] == i && (*shared[i])[0] == i);
  });
}

BOOST_AUTO_TEST_CASE(a_burst_gives_all_of_a_range_or_nothing) {
  refuse_every_call([](Trial& trial) {
    const std::vector<Element> range(kElements / 4, Element{7});
    boost::container::list<Element, flux::BurstAllocator<Element>> list;
    for (std::size_t i = 0; i != 4; ++i) {
      trial([&] {
        trial.expect(list.size() == i * range.size());
        list.insert(list.end(), range.begin(), range.end());
      });
    }
    trial.expect(list.size() == kElements);
    trial.expect(std::ranges::all_of(list, [](const Element& element) { return element[0] == 7; }));
  });
}

BOOST_AUTO_TEST_CASE(a_memory_resource_gives_memory_or_refuses) {
  refuse_every_call([](Trial& trial) {
    std::pmr::unordered_map<std::size_t, Element> map(flux::memory_resource());
    for (std::size_t i = 0; i != kElements; ++i) trial([&] { map.try_emplace(i, Element{i}); });
    trial.expect(map.size() == kElements);
    for (std::size_t i = 0; i != kElements; ++i) trial.expect(map.at(i)[0] == i);
  });
}

BOOST_AUTO_TEST_CASE(raw_memory_of_all_sizes_is_given_or_refused) {
  refuse_every_call([](Trial& trial) {
    struct Block {
      void* p;
      std::size_t bytes;
    };
    std::vector<Block> blocks;
    for (std::size_t i = 0; i != 3'000; ++i) {
      const std::size_t bytes = 1 + i * 97 % 36'000;  // some of them from the system
      trial([&] { blocks.push_back({flux::allocate(bytes), bytes}); });
      write_mark(blocks.back().p, std::min<std::size_t>(bytes, 64), i);
    }
    for (std::size_t i = 0; i != blocks.size(); ++i) {
      const auto [p, bytes] = blocks[i];
      trial.expect(has_mark(p, std::min<std::size_t>(bytes, 64), i));
      i % 2 == 0 ? flux::deallocate(p, bytes) : flux::deallocate(p);
    }
  });
}

BOOST_AUTO_TEST_CASE(a_heap_of_its_own_gives_memory_or_refuses) {
  refuse_every_call([](Trial& trial) {
    std::optional<flux::Heap> heap;
    trial([&] { heap.emplace(); });
    for (int round = 0; round != 2; ++round) {
      using List = std::list<Element, flux::HeapAllocator<Element>>;
      List* list = nullptr;
      trial([&] { list = ::new (heap->allocate(sizeof(List), alignof(List))) List(*heap); });
      for (std::size_t i = 0; i != kElements; ++i) trial([&] { list->push_back({i}); });
      trial.expect(list->size() == kElements && list->back()[0] == kElements - 1);
      trial([&] { std::ignore = heap->allocate(100'000, 4096); });
      trial.expect(heap->is_valid());
      heap->release();
    }
  });
}

BOOST_AUTO_TEST_CASE(a_buffer_pool_gives_buffers_or_refuses) {
  static const std::size_t kBuffers = is_instrumented() ? 100 : 400;
  refuse_every_call([](Trial& trial) {
    flux::BufferPool pool;
    std::vector<flux::Buffer> buffers;
    for (std::size_t i = 0; i != kBuffers; ++i) {
      trial([&] { buffers.push_back(pool.get(1 + i * 1'009 % 200'000)); });
      trial.expect(buffers.back().data()[0] == std::byte{0});
      buffers.back().data()[0] = std::byte{1};
    }
    trial.expect(
        std::ranges::all_of(buffers, [](const flux::Buffer& b) { return b.data()[0] == std::byte{1}; }));
    std::uint64_t in_use = 0;
    for (const flux::BufferClassStatistics& each : pool.stats().classes) in_use += each.in_use;
    trial.expect(in_use == kBuffers);
  });
}

BOOST_AUTO_TEST_CASE(a_reservation_is_whole_or_none) {
  refuse_every_call([](Trial& trial) {
    trial([] { flux::reserve(sizeof(Element), kElements); });
    std::list<Element, flux::Allocator<Element>> list;
    grow_and_clear(trial, list);
  });
}

BOOST_AUTO_TEST_CASE(a_thread_that_only_frees_does_so_whatever_memory_there_is) {
  refuse_every_call([](Trial& trial) {
    std::list<Element, flux::Allocator<Element>> list;
    for (std::size_t i = 0; i != kElements; ++i) trial([&] { list.push_back({i}); });
    run_thread([&] { list.clear(); });
    grow_and_clear(trial, list);
  });
}

BOOST_AUTO_TEST_SUITE_END()
