// The system has no memory left: std::bad_alloc, and all heaps are valid; once it has, all goes on.
//
//   address_limit address_space|data|data_later
//
// address_space: RLIMIT_AS from the start; data: RLIMIT_DATA from the start; data_later: the heaps hold address
// space in plenty when RLIMIT_DATA comes, but none of it can be made usable.
#include <malloc.h>
#include <sys/resource.h>

#include <barrier>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <flux/flux.hpp>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "support/HeapCensus.hpp"
#include "support/Memory.hpp"
#include "support/Require.hpp"

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kThreads = 4;
constexpr std::size_t kRoom = std::size_t{256} << 20;
constexpr unsigned kClasses[] = {0, 7, 31, 55, kSmallClasses - 1};

int limited = RLIMIT_AS;
rlimit unlimited{};

void limit(std::size_t bytes) {
  const rlimit some{bytes, unlimited.rlim_max};
  require(::setrlimit(limited, &some) == 0, "the limit is set");
}
void lift_limit() { require(::setrlimit(limited, &unlimited) == 0, "the limit is lifted"); }

// Linked through their first word, so that holding them takes no memory; the last word tells whose they are.
class Hoard {
 public:
  explicit Hoard(unsigned size_class) : size_class_(size_class) {}

  void take() {
    void* const object = allocate(size_class_);
    std::memset(object, 0x5A, stride_of(size_class_));
    first_ = ::new (object) void*(first_);
    ++count_;
  }
  std::size_t take_all() {
    try {
      for (;;) take();
    } catch (const std::bad_alloc&) {
    }
    return count_;
  }
  void free_all() {
    while (first_ != nullptr) {
      void* const object = first_;
      first_ = *static_cast<void**>(object);
      const auto* const bytes = static_cast<const unsigned char*>(object);
      const std::size_t stride = stride_of(size_class_);
      require(stride == sizeof(void*) || bytes[stride - 1] == 0x5A, "objects keep what they hold");
      deallocate(object, size_class_);
    }
    count_ = 0;
  }
  std::size_t count() const { return count_; }

 private:
  unsigned size_class_;
  void* first_ = nullptr;
  std::size_t count_ = 0;
};

// Calls `look(ThreadHeap&)` for the thread's heap, if it has one. Others may trim it meanwhile: they are kept out.
template <class Look>
void look_at_own_heap(Look look) {
  ThreadHeap* const heap = local_heap<>.heap();
  if (heap == nullptr) return;
  require(heap->lock_slabs(true), "the heap is not lost");
  look(*heap);
  heap->unlock_slabs();
}

void require_valid() {
  look_at_own_heap([](ThreadHeap& heap) {
    const std::string complaint = complaint_about(heap);
    require(complaint.empty(), complaint.c_str());
  });
}

template <class Attempt>
void require_refused(Attempt attempt) {
  bool is_refused = false;
  try {
    attempt();
  } catch (const std::bad_alloc&) {
    is_refused = true;
  }
  require(is_refused, "what there is no memory for is refused");
  require_valid();
}

// All threads, at once: take all there is, then each refuses and is valid; memory freed is there for the next.
void run_out(std::barrier<>& all) {
  std::vector<Hoard> hoards(std::begin(kClasses), std::end(kClasses));
  for (Hoard& hoard : hoards) hoard.take_all();
  all.arrive_and_wait();
  for (Hoard& hoard : hoards) hoard.take_all();
  require_valid();
  require_refused([] { flux::reserve(64, (2 * kRoom) / 64); });
  all.arrive_and_wait();
  all.arrive_and_wait();  // for the one who came late
  for (Hoard& hoard : hoards) {
    if (hoard.count() == 0) continue;
    const std::size_t before = hoard.count();
    hoard.free_all();
    require(hoard.take_all() + kMinObjectsPerSlab >= before / 2, "what was freed is there again");
    break;
  }
  require_valid();
  all.arrive_and_wait();
  for (Hoard& hoard : hoards) hoard.free_all();
  flux::flush();
  require_valid();
  all.arrive_and_wait();
}

// A thread that has no heap yet, when there is nothing to make one from.
void come_late(std::barrier<>& all) {
  all.arrive_and_wait();
  all.arrive_and_wait();
  Hoard hoard(40);
  hoard.take_all();
  require_refused([] { static_cast<void>(allocate(40)); });
  hoard.free_all();
  all.arrive_and_wait();
  all.arrive_and_wait();
  all.arrive_and_wait();
}

// What the test itself needs of malloc is there before the limit: in one arena, which keeps what it has.
void provide_for_malloc() {
  constexpr std::size_t kEnough = std::size_t{16} << 20;
  require(::mallopt(M_ARENA_MAX, 1) == 1 && ::mallopt(M_MMAP_MAX, 0) == 1 &&
              ::mallopt(M_TRIM_THRESHOLD, 1 << 30) == 1,
          "malloc is set");
  std::free(std::malloc(kEnough));
}

// As if nothing had been: far more than there was.
void go_on() {
  Hoard hoard(7);
  while (hoard.count() < (2 * kRoom / kThreads) / 64) hoard.take();
  require_valid();
  hoard.free_all();
  flux::reserve(64, 10'000);
  flux::trim();
  require_valid();
  look_at_own_heap([](ThreadHeap& heap) { require(census_of(heap).away() == 0, "nothing was lost"); });
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(kDeadline);
  provide_for_malloc();
  const std::string way = arguments[1];
  if (way != "address_space") limited = RLIMIT_DATA;
  ::getrlimit(limited, &unlimited);
  // Threads need memory to be made, those that have used flux and those that have not.
  std::barrier all(static_cast<std::ptrdiff_t>(kThreads));
  std::barrier with_main(static_cast<std::ptrdiff_t>(kThreads) + 1);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i != kThreads; ++i) {
    threads.emplace_back([&, i] {
      const bool is_late = i == kThreads - 1;
      if (way == "data_later" && i % 2 == 0) deallocate(allocate(0), 0);
      with_main.arrive_and_wait();
      with_main.arrive_and_wait();
      is_late ? come_late(all) : run_out(all);
      with_main.arrive_and_wait();
      with_main.arrive_and_wait();
      go_on();
    });
  }
  with_main.arrive_and_wait();
  limit(process_memory().address_space_bytes + kRoom);
  if (way != "address_space") limit(kRoom);
  with_main.arrive_and_wait();
  with_main.arrive_and_wait();
  lift_limit();
  with_main.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();
  return 0;
}
