// What flux promises, in short, as a program that needs the standard library alone: for systems and compilers that
// flux_test is not built for. Its exit code is 0 when all holds; what does not, is a line on standard error.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <flux/flux.hpp>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

int failures = 0;

void check(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::fprintf(stderr, "failed: %s\n", what);
}

// xorshift
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>(state_ >> 32) % limit;
  }

 private:
  std::uint64_t state_;
};

struct Orders;

template <class T>
using Tagged = flux::Allocator<T, Orders>;

template <template <class> class Allocator>
struct Containers {
  std::list<long, Allocator<long>> list;
  std::forward_list<int, Allocator<int>> forward_list;
  std::set<short, std::less<short>, Allocator<short>> set;
  std::map<int, std::string, std::less<int>, Allocator<std::pair<const int, std::string>>> map;
  std::unordered_map<int, double, std::hash<int>, std::equal_to<int>, Allocator<std::pair<const int, double>>>
      hashed;
  std::deque<int, Allocator<int>> deque;
  std::vector<std::shared_ptr<int>> shared;

  void churn(std::uint64_t seed, int steps) {
    Random random(seed);
    for (int step = 0; step != steps; ++step) {
      const auto key = static_cast<int>(random.below(500));
      switch (random.below(7)) {
        case 0:
          list.push_back(key);
          break;
        case 1:
          if (!list.empty()) list.pop_front();
          break;
        case 2:
          map[key] = std::to_string(key);
          break;
        case 3:
          map.erase(key);
          break;
        case 4:
          if (!hashed.emplace(key, key).second) hashed.erase(key);
          break;
        case 5:
          set.insert(static_cast<short>(key));
          forward_list.push_front(key);
          deque.push_back(key);
          break;
        case 6:
          if (shared.size() > 400) shared.erase(shared.begin());
          shared.push_back(std::allocate_shared<int>(Allocator<int>(), key));
          if (!forward_list.empty()) forward_list.pop_front();
          break;
      }
    }
  }

  std::size_t sum() const {
    std::size_t sum = 0;
    const auto add = [&sum](auto value) { sum = sum * 31 + static_cast<std::size_t>(value); };
    for (const auto value : list) add(value);
    for (const auto value : forward_list) add(value);
    for (const auto value : set) add(value);
    for (const auto& [key, text] : map) {
      add(key);
      add(text.size());
    }
    for (const auto value : deque) add(value);
    for (const auto& value : shared) add(*value);
    return sum + hashed.size();
  }
};

template <class T>
using Plain = flux::Allocator<T>;

void containers_are_those_of_the_standard_allocator() {
  Containers<std::allocator> expected;
  Containers<Plain> plain;
  Containers<Tagged> tagged;
  for (std::uint64_t seed = 1; seed != 4; ++seed) {
    expected.churn(seed, 10'000);
    plain.churn(seed, 10'000);
    tagged.churn(seed, 10'000);
    check(plain.sum() == expected.sum(), "containers hold what others hold");
    check(tagged.sum() == expected.sum(), "containers with a tag hold what others hold");
  }
}

void threads_hand_over_objects_and_end() {
  using List = std::list<std::uint64_t, flux::Allocator<std::uint64_t>>;
  constexpr std::uint64_t kObjects = 5'000;
  std::mutex mutex;
  std::vector<List> lists;
  std::atomic<std::uint64_t> sum{0};
  for (int round = 0; round != 10; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i != 3; ++i)
      threads.emplace_back([&] {
        List made;
        for (std::uint64_t n = 0; n != kObjects; ++n) made.push_back(n);
        List found;
        {
          const std::lock_guard lock(mutex);
          if (!lists.empty()) {
            found.swap(lists.back());
            lists.pop_back();
          }
          lists.push_back(std::move(made));
        }
        for (const std::uint64_t n : found) sum += n;  // freed here, most often after their owner's end
      });
    for (std::thread& thread : threads) thread.join();
  }
  for (const List& list : lists)
    for (const std::uint64_t n : list) sum += n;
  check(sum == 30 * kObjects * (kObjects - 1) / 2, "what one thread made another finds");
}

/// Heaps of all domains, and whether all are without flaw.
std::pair<std::size_t, bool> look_at_heaps() {
  std::pair<std::size_t, bool> found{0, true};
  flux::detail::heap_list.for_each([&found](flux::detail::ThreadHeap& heap) {
    ++found.first;
    found.second = found.second && heap.is_valid();
  });
  return found;
}

#if !FLUX_WINDOWS  // where g++ frees the memory of thread-local objects before it destroys them
/// What threads do in the destructors of their thread-local objects: flux is still there.
struct AtEnd {
  std::list<int, flux::Allocator<int>> list;
  ~AtEnd() { list.assign(100, 1); }
};
#endif

void threads_that_end_leave_their_heaps_to_others() {
  const std::size_t before = look_at_heaps().first;
  for (int i = 0; i != 300; ++i) {
    std::thread([i] {
#if !FLUX_WINDOWS
      static thread_local AtEnd at_end;
      at_end.list.push_back(i);
#endif
      std::map<int, int, std::less<int>, flux::Allocator<std::pair<const int, int>>> map;
      for (int n = 0; n != 100; ++n) map[n] = i;
    }).join();
  }
  check(look_at_heaps().first <= before + 4, "heaps of ended threads serve others");
}

void resources_and_raw_memory() {
  std::pmr::map<int, std::pmr::string> map(flux::memory_resource());
  for (int i = 0; i != 1'000; ++i) map[i].assign(static_cast<std::size_t>(i), 'x');
  check(map[999].size() == 999, "polymorphic containers");
  std::vector<std::pair<void*, std::size_t>> given;
  for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2)
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{24}, std::size_t{5'000}, std::size_t{100'000}}) {
      void* const p = flux::allocate(bytes, alignment);
      check(reinterpret_cast<std::uintptr_t>(p) % alignment == 0, "alignment");
      check(flux::usable_size(p) >= bytes, "usable size");
      std::fill_n(static_cast<unsigned char*>(p), bytes, static_cast<unsigned char>(bytes));
      given.emplace_back(p, bytes);
    }
  for (const auto& [p, bytes] : given) {
    const auto* const begin = static_cast<const unsigned char*>(p);
    check(std::all_of(begin, begin + bytes,
                      [b = static_cast<unsigned char>(bytes)](unsigned char c) { return c == b; }),
          "content stays");
    flux::deallocate(p);
  }
  flux::deallocate(nullptr);
}

struct Item {
  explicit Item(int its_value) : value(its_value) {}
  int value;
  std::array<char, 20> rest{};
};

void handles_buffers_and_providers() {
  flux::HandlePool<Item> pool;
  std::vector<flux::Handle<Item>> handles;
  for (int i = 0; i != 3'000; ++i) handles.push_back(pool.create(i));
  std::thread([&] {
    for (std::size_t i = 0; i < handles.size(); i += 2)
      check(pool.destroy(handles[i]), "a handle is destroyed");
  }).join();
  for (std::size_t i = 0; i != handles.size(); ++i) {
    const Item* const item = pool.get(handles[i]);
    check(i % 2 == 0 ? item == nullptr : item != nullptr && item->value == static_cast<int>(i),
          "handles, live and stale");
  }
  check(pool.size() == 1'500, "handles that live");

  flux::BufferPool buffers;
  std::thread([buffer = buffers.get(1'000)]() mutable { buffer.span()[999] = std::byte{1}; }).join();
  check(buffers.get(1'000).span()[999] == std::byte{0}, "buffers come zeroed");

  using Items = flux::SlabProvider<Item, "Items">;
  check(Items::make(7)->value == 7 && Items::make_shared(8)->value == 8, "slab providers");

  flux::Heap heap(8 << 20);
  std::map<int, int, std::less<int>, flux::HeapAllocator<std::pair<const int, int>>> map(heap);
  for (int i = 0; i != 10'000; ++i) map[i] = i;
  check(map.size() == 10'000 && heap.used_bytes() > 10'000 * sizeof(int), "heaps of their own");
#if defined(__cpp_exceptions)
  bool is_refused = false;
  try {
    for (;;) static_cast<void>(heap.allocate(10'000));
  } catch (const std::bad_alloc&) {
    is_refused = true;
  }
  check(is_refused, "a heap has an end");
#endif
}

void reserve_and_trim() {
  flux::reserve<Item>(10'000);
  std::list<Item, flux::Allocator<Item>> list;
  for (int i = 0; i != 200'000; ++i) list.emplace_back(i);
  list.clear();
  check(flux::trim() >= 200'000 * sizeof(Item), "trim gives back");
  for (int i = 0; i != 200'000; ++i) list.emplace_back(i);
  check(list.back().value == 199'999, "memory that went back serves again");
}

void all_is_home() {
  std::size_t live = 0;
  for (const flux::DomainStatistics& domain : flux::stats().domains) live += domain.bytes_live;
  check(live == 0, "in the end no object is live");
  flux::trim();
  check(look_at_heaps().second, "all heaps are without flaw");
}

}  // namespace

int main() {
  containers_are_those_of_the_standard_allocator();
  threads_hand_over_objects_and_end();
  threads_that_end_leave_their_heaps_to_others();
  resources_and_raw_memory();
  handles_buffers_and_providers();
  reserve_and_trim();
  all_is_home();
  std::printf("conformance: %u-bit, pages of %u KiB, checked %d: %d failures\n", unsigned{sizeof(void*) * 8},
              static_cast<unsigned>(flux::detail::System::page_bytes() / 1024), FLUX_CHECKED, failures);
  return failures == 0 ? 0 : 1;
}
