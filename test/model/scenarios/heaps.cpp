// Thread heaps that are parked and adopted, and the list of all of them.
#include "../Begin.hpp"

#include <flux/detail/heap/HeapList.hpp>
#include <flux/detail/heap/ParkedHeaps.hpp>

#include "../End.hpp"

namespace {

using flux::detail::HeapList;
using flux::detail::ParkedHeaps;
using flux::detail::ThreadHeap;

// Room for heaps where ParkedHeaps expects them: kHeapIndex behind multiples of 32 MiB.
class Arena {
 public:
  static constexpr std::size_t kRegionBytes = std::size_t{32} << 20;
  static constexpr std::size_t kMost = 3;

  static ThreadHeap* place(std::size_t i) noexcept {
    static std::byte* const begin = reserve();
    return reinterpret_cast<ThreadHeap*>(begin + i * kRegionBytes +
                                         flux::detail::SlabSource::kHeapIndex * flux::detail::kUnitBytes);
  }

 private:
  static std::byte* reserve() noexcept {
    void* const memory = ::mmap(nullptr, (kMost + 1) * kRegionBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    const auto address = reinterpret_cast<std::uintptr_t>(memory);
    return reinterpret_cast<std::byte*>((address + kRegionBytes - 1) & ~(kRegionBytes - 1));
  }
};

// Heaps of an execution, all owned by the program at first.
template <std::size_t count>
class Heaps {
 public:
  Heaps() {
    for (std::size_t i = 0; i != count; ++i) ::new (Arena::place(i)) ThreadHeap;
  }
  Heaps(const Heaps&) = delete;
  Heaps& operator=(const Heaps&) = delete;
  ~Heaps() {
    for (std::size_t i = 0; i != count; ++i) Arena::place(i)->~ThreadHeap();
  }
  ThreadHeap* operator[](std::size_t i) const noexcept { return Arena::place(i); }

  /// Adopts what is parked, and checks that that is all that nobody owns.
  void check_none_is_lost(ParkedHeaps& parked) {
    while (parked.adopt() != nullptr) {
    }
    for (std::size_t i = 0; i != count; ++i)
      model::check((*this)[i]->content.get() == ThreadHeap::kOwned, "a parked heap was lost");
  }
};

MODEL_SCENARIO(parked_heaps_one_is_parked_while_another_thread_adopts) {
  Heaps<2> heaps;
  ParkedHeaps parked;
  parked.park(heaps[0]);
  model::threads([&] { parked.park(heaps[1]); }, [&] { parked.adopt(); });
  heaps.check_none_is_lost(parked);
}

MODEL_SCENARIO(parked_heaps_a_head_that_went_and_came_back_is_told_from_one_that_stayed) {
  Heaps<2> heaps;
  ParkedHeaps parked;
  parked.park(heaps[0]);
  parked.park(heaps[1]);
  model::threads(
      [&] {
        ThreadHeap* const first = parked.adopt();
        parked.adopt();
        if (first != nullptr) parked.park(first);
      },
      [&] { parked.adopt(); });
  heaps.check_none_is_lost(parked);
}

MODEL_SCENARIO(parked_heaps_two_are_parked_and_a_third_thread_adopts) {
  Heaps<3> heaps;
  ParkedHeaps parked;
  parked.park(heaps[0]);
  model::threads([&] { parked.park(heaps[1]); }, [&] { parked.park(heaps[2]); }, [&] { parked.adopt(); });
  heaps.check_none_is_lost(parked);
}

MODEL_SCENARIO(parked_heaps_three_threads_begin_and_end) {
  model::world.bound(1);
  Heaps<2> heaps;
  ParkedHeaps parked;
  parked.park(heaps[0]);
  parked.park(heaps[1]);
  const auto begin_and_end = [&] {
    if (ThreadHeap* const heap = parked.adopt()) parked.park(heap);
  };
  model::threads(begin_and_end, begin_and_end, [&] { parked.adopt(); });
  heaps.check_none_is_lost(parked);
}

MODEL_SCENARIO(parked_heaps_one_is_worked_on_from_outside) {
  Heaps<2> heaps;
  ParkedHeaps parked;
  parked.park(heaps[0]);
  parked.park(heaps[1]);
  model::threads([&] { parked.adopt(); },
                 [&] {
                   if (!heaps[1]->lock.try_lock_from_outside()) return;
                   heaps[1]->content.set(heaps[1]->content.get());
                   heaps[1]->lock.unlock();
                 });
  heaps.check_none_is_lost(parked);
}

MODEL_SCENARIO(heap_list_two_are_enlisted_while_a_third_thread_visits) {
  Heaps<2> heaps;
  HeapList list;
  model::threads(
      [&] {
        heaps[0]->content.set(7);
        list.enlist(heaps[0]);
      },
      [&] {
        heaps[1]->content.set(7);
        list.enlist(heaps[1]);
      },
      [&] {
        list.for_each([](ThreadHeap& heap) { model::check(heap.content.get() == 7, "a heap half made"); });
      });
  int found = 0;
  list.for_each([&](ThreadHeap&) { ++found; });
  model::check(found == 2, "a heap was lost");
}

}  // namespace
