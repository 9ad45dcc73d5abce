// All faces at once, from many threads that begin, hand over, free and end, while memory is scarce: for as long as it is
// told. Everything that is made carries a mark, and whoever ends it looks at that; now and then all threads end, everything
// is freed, and nothing may be left: no live object, no heap that does not agree with itself, no more memory than before.
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/container/list.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <flux/flux.hpp>
#include <fstream>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "support/HeapCensus.hpp"
#include "support/Pattern.hpp"

namespace {

using flux::test::has_mark;
using flux::test::write_mark;
using Clock = std::chrono::steady_clock;
using Random = std::mt19937_64;

struct Options {
  std::size_t seconds = 1800;
  std::size_t period = 60;
  std::size_t threads = 64;
  std::size_t megabytes = 700;  ///< of writable memory, all in all
  std::uint64_t seed = 1;
};

std::atomic<std::size_t> made{0}, refused{0}, wrong{0};

void expect(bool is_good, const char* what) {
  if (is_good) return;
  if (wrong.fetch_add(1, std::memory_order_relaxed) < 20) std::fprintf(stderr, "flux_soak: %s\n", what);
}

// Something of one of the faces, on its way from whoever made it to whoever ends it.
struct Item {
  void (*end)(Item&) = nullptr;
  void* p = nullptr;
  std::size_t bytes = 0;
  std::uint64_t mark = 0;
};

std::size_t marked(std::size_t bytes) { return std::min<std::size_t>(bytes, 256); }
void write(const Item& item) { write_mark(item.p, marked(item.bytes), item.mark); }
void look(const Item& item, const char* face) {
  expect(has_mark(item.p, marked(item.bytes), item.mark), face);
}

struct Trades;

template <std::size_t bytes>
struct Block {
  std::byte data[bytes];
};

template <std::size_t bytes, class Tag = void>
Item of_allocator(Random& random) {
  using A = flux::Allocator<Block<bytes>, Tag>;
  const auto end = [](Item& item) {
    look(item, "what an allocator gave was overwritten");
    A{}.deallocate(static_cast<Block<bytes>*>(item.p), 1);
  };
  Item item{end, A{}.allocate(1), bytes, random()};
  write(item);
  return item;
}

using Provider = flux::SlabProvider<Block<120>, "soak">;

Item of_provider(Random& random) {
  const auto end = [](Item& item) {
    look(item, "a provider's object was overwritten");
    Provider::free_raw(item.p);
  };
  Item item{end, Provider::alloc_raw(), 120, random()};
  write(item);
  return item;
}

Item of_memory_resource(Random& random) {
  const auto end = [](Item& item) {
    look(item, "what a memory resource gave was overwritten");
    flux::memory_resource()->deallocate(item.p, item.bytes, 16);
  };
  const std::size_t bytes = 1 + random() % 2'000;
  Item item{end, flux::memory_resource()->allocate(bytes, 16), bytes, random()};
  write(item);
  return item;
}

Item of_raw_memory(Random& random) {
  const auto end = [](Item& item) {
    look(item, "raw memory was overwritten");
    item.mark % 2 == 0 ? flux::deallocate(item.p) : flux::deallocate(item.p, item.bytes);
  };
  const std::size_t bytes = 1 + random() % (random() % 8 == 0 ? 40'000 : 400);
  Item item{end, flux::allocate(bytes), bytes, random()};
  write(item);
  return item;
}

flux::BufferPool& buffers() {
  static flux::BufferPool pool;
  return pool;
}

Item of_buffers(Random& random) {
  const auto end = [](Item& item) {
    auto* const buffer = static_cast<flux::Buffer*>(item.p);
    expect(has_mark(buffer->data(), marked(item.bytes), item.mark), "a buffer was overwritten");
    delete buffer;
  };
  const std::size_t bytes = 1 + random() % (random() % 16 == 0 ? 200'000 : 2'000);
  auto buffer = std::make_unique<flux::Buffer>(buffers().get(bytes));
  Item item{end, buffer.get(), bytes, random()};
  write_mark(buffer->data(), marked(bytes), item.mark);
  static_cast<void>(buffer.release());
  return item;
}

constinit flux::HandlePool<std::uint64_t> handles;

Item of_handles(Random& random) {
  const auto end = [](Item& item) {
    const auto handle = flux::Handle<std::uint64_t>::from_bits(item.bytes);
    const std::uint64_t* const value = handles.get(handle);
    expect(value != nullptr && *value == item.mark, "a handle led elsewhere");
    expect(handles.destroy(handle) && handles.get(handle) == nullptr, "a handle was not destroyed once");
  };
  const std::uint64_t mark = random();
  return {end, nullptr, handles.create(mark).to_bits(), mark};
}

/// A container of numbers from `mark` on.
template <class Container, class Put, class IsAt>
Item of_container(Random& random, Put put, IsAt) {
  const auto end = [](Item& item) {
    const std::unique_ptr<Container> container(static_cast<Container*>(item.p));
    std::uint64_t expected = item.mark;
    bool is_good = container->size() == item.bytes;
    for (const auto& element : *container) is_good = IsAt{}(element, expected++) && is_good;
    expect(is_good, "a container does not hold what was put in");
  };
  auto container = std::make_unique<Container>();
  Item item{end, container.get(), 1 + random() % 300, random() >> 1};
  put(*container, item.mark, item.bytes);
  static_cast<void>(container.release());
  return item;
}

Item of_bursts(Random& random) {
  using List = boost::container::list<std::uint64_t, flux::BurstAllocator<std::uint64_t>>;
  return of_container<List>(
      random,
      [](List& list, std::uint64_t first, std::size_t count) {
        std::array<std::uint64_t, 300> numbers{};
        for (std::size_t i = 0; i != count; ++i) numbers[i] = first + i;
        list.insert(list.end(), numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(count));
      },
      [](std::uint64_t element, std::uint64_t expected) { return element == expected; });
}

Item of_maps(Random& random) {
  using Map = std::map<std::uint64_t, std::uint64_t, std::less<>,
                       flux::Allocator<std::pair<const std::uint64_t, std::uint64_t>, Trades>>;
  return of_container<Map>(
      random,
      [](Map& map, std::uint64_t first, std::size_t count) {
        for (std::size_t i = 0; i != count; ++i) map.emplace(first + i, i);
      },
      [](const auto& element, std::uint64_t expected) { return element.first == expected; });
}

void use_heap(Random& random) {
  flux::Heap heap(64 << 20);
  for (int round = 0; round != 3; ++round) {
    using List = std::list<std::uint64_t, flux::HeapAllocator<std::uint64_t>>;
    List& list = *::new (heap.allocate(sizeof(List), alignof(List))) List(heap);
    const std::size_t count = random() % 2'000;
    for (std::size_t i = 0; i != count; ++i) list.push_back(i);
    std::uint64_t expected = 0;
    for (const std::uint64_t value : list) expect(value == expected++, "a heap's list was overwritten");
    heap.release();
  }
}

void control(Random& random) {
  switch (random() % 6) {
    case 0:
      return flux::reserve(64, 500);
    case 1:
      return flux::flush();
    case 2:
      return static_cast<void>(random() % 8 == 0 ? flux::trim() : 0);
    case 3:
      return static_cast<void>(flux::stats());
    case 4:
      return flux::set_retention_limit(random() % 2 == 0 ? 0 : std::size_t{8} << 20);
    default:
      return use_heap(random);
  }
}

Item make(Random& random) {
  switch (random() % 14) {
    case 0:
      return of_allocator<8>(random);
    case 1:
      return of_allocator<24>(random);
    case 2:
      return of_allocator<61>(random);
    case 3:
      return of_allocator<600>(random);
    case 4:
      return of_allocator<9'000>(random);
    case 5:
      return of_allocator<40, Trades>(random);
    case 6:
      return of_allocator<64, Trades>(random);
    case 7:
      return of_provider(random);
    case 8:
      return of_memory_resource(random);
    case 9:
      return of_raw_memory(random);
    case 10:
      return of_buffers(random);
    case 11:
      return of_handles(random);
    case 12:
      return of_bursts(random);
    default:
      return of_maps(random);
  }
}

// Where items change hands.
class Exchange {
 public:
  /// Leaves `item` and takes what lay there; that of a null end is none.
  Item swap(std::size_t place, Item item) {
    Cell& cell = cells_[place % cells_.size()];
    const std::lock_guard lock(cell.mutex);
    std::swap(cell.item, item);
    return item;
  }
  void clear() {
    for (Cell& cell : cells_) end(std::exchange(cell.item, {}));
  }
  static void end(Item item) {
    if (item.end != nullptr) item.end(item);
  }

 private:
  struct alignas(64) Cell {
    std::mutex mutex;
    Item item;
  };
  std::vector<Cell> cells_ = std::vector<Cell>(60'000);
};

/// One thread's life: makes items, keeps some, exchanges others, and ends what it has in an order of its own.
void live(Exchange& exchange, std::uint64_t seed, const std::atomic<bool>& is_over) {
  Random random(seed);
  const std::size_t operations = 1'000 + random() % 200'000;
  std::array<Item, 400> own{};
  for (std::size_t i = 0; i != operations && !is_over.load(std::memory_order_relaxed); ++i) {
    try {
      if (random() % 512 == 0) control(random);
      Item item = make(random);
      made.fetch_add(1, std::memory_order_relaxed);
      std::swap(item, own[random() % own.size()]);
      Exchange::end(random() % 2 == 0 ? exchange.swap(random(), item) : item);
    } catch (const std::bad_alloc&) {
      refused.fetch_add(1, std::memory_order_relaxed);
      Exchange::end(exchange.swap(random(), {}));
    }
  }
  std::ranges::shuffle(own, random);
  for (const Item& item : own) Exchange::end(item);
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// A thread and whether it has ended.
struct Worker {
  std::atomic<bool> is_done{true};
  std::thread thread;
};

void run_period(const Options& options, Exchange& exchange, Clock::time_point end, Random& random) {
  std::atomic<bool> is_over{false};
  std::vector<Worker> workers(options.threads);
  while (Clock::now() < end) {
    for (Worker& worker : workers) {
      if (!worker.is_done.load(std::memory_order_acquire)) continue;
      if (worker.thread.joinable()) worker.thread.join();
      try {
        worker.is_done.store(false, std::memory_order_relaxed);
        worker.thread = std::thread([&exchange, &worker, &is_over, seed = random()] {
          live(exchange, seed, is_over);
          worker.is_done.store(true, std::memory_order_release);
        });
      } catch (const std::exception&) {  // no memory for one
        worker.is_done.store(true, std::memory_order_relaxed);
        refused.fetch_add(1, std::memory_order_relaxed);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  is_over.store(true, std::memory_order_relaxed);
  for (Worker& worker : workers)
    if (worker.thread.joinable()) worker.thread.join();
}

/// With everything freed: what is left, bytes.
std::size_t take_stock(Exchange& exchange) {
  exchange.clear();
  flux::flush();
  flux::trim();
  ::malloc_trim(0);
  std::size_t live = 0;
  flux::visit_all([&live](const flux::SlabView& slab) { live += slab.live(); });
  expect(live == 0, "objects are live that nobody has");
  expect(handles.empty() && handles.is_valid(), "the handle pool does not agree with itself");
  flux::detail::heap_list.for_each([](flux::detail::ThreadHeap& heap) {
    expect(flux::test::complaint_about(heap).empty(), "a heap does not agree with itself");
  });
  std::uint64_t in_use = 0;
  for (const flux::BufferClassStatistics& each : buffers().stats().classes) in_use += each.in_use;
  expect(in_use == 0, "buffers are in use that nobody has");
  return resident_bytes();
}

/// Whether the last third of the figures is above the third before it.
bool grows(const std::vector<std::size_t>& figures) {
  if (figures.size() < 6) return false;
  const auto third = static_cast<std::ptrdiff_t>(figures.size() / 3);
  const std::size_t last = *std::max_element(figures.end() - third, figures.end());
  const std::size_t before = *std::max_element(figures.end() - 2 * third, figures.end() - third);
  return last > before + before / 20 + (std::size_t{4} << 20);
}

bool read(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = arguments[i];
    char* end = nullptr;
    const std::uint64_t value = i + 1 < count ? std::strtoull(arguments[i + 1], &end, 10) : 0;
    if (end == nullptr || *end != '\0' || end == arguments[i + 1] || value == 0) return false;
    if (name == "--seconds")
      options.seconds = value;
    else if (name == "--period")
      options.period = value;
    else if (name == "--threads")
      options.threads = value;
    else if (name == "--megabytes")
      options.megabytes = value;
    else if (name == "--seed")
      options.seed = value;
    else
      return false;
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!read(count, arguments, options)) {
    std::fprintf(stderr, "flux_soak [--seconds N] [--period N] [--threads N] [--megabytes N] [--seed N]\n");
    return 2;
  }
  pthread_attr_t small_stacks;
  ::pthread_attr_init(&small_stacks);
  ::pthread_attr_setstacksize(&small_stacks, std::size_t{512} << 10);
  ::pthread_setattr_default_np(&small_stacks);
  const rlimit limit{options.megabytes << 20, options.megabytes << 20};
  ::setrlimit(RLIMIT_DATA, &limit);

  Random random(options.seed);
  std::vector<std::size_t> left;
  left.reserve(options.seconds / options.period + 1);
  Exchange exchange;
  const Clock::time_point begin = Clock::now(), end = begin + std::chrono::seconds(options.seconds);
  while (Clock::now() < end && wrong == 0) {
    run_period(options, exchange, std::min(end, Clock::now() + std::chrono::seconds(options.period)), random);
    left.push_back(take_stock(exchange));
    std::printf("%6.0f s: %zu made, %zu refused, %zu wrong, %.1f MB left\n",
                std::chrono::duration<double>(Clock::now() - begin).count(), made.load(), refused.load(),
                wrong.load(), static_cast<double>(left.back()) / 1e6);
    std::fflush(stdout);
  }
  expect(!grows(left), "what is left grows");
  std::printf("flux_soak: %s, seed %llu, %zu threads, %zu MB, %s\n", wrong == 0 ? "no error" : "ERRORS",
              static_cast<unsigned long long>(options.seed), options.threads, options.megabytes,
              FLUX_SOAK_BUILD);
  return wrong == 0 ? 0 : 1;
}
