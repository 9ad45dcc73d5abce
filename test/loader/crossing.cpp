// Objects cross between the program and a library that it loads, in both directions, and are freed on the other
// side: they go home, and nobody takes them for its own.
//
//   crossing LIBRARY local|global
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "load.hpp"
#include "support/Require.hpp"

namespace {

using flux::test::require;

constexpr std::size_t kObjects = 3000;

using Objects = std::vector<void*>;

Objects allocate(const Side& side, std::size_t count = kObjects) {
  Objects objects;
  for (std::size_t i = 0; i != count; ++i) {
    objects.push_back(side.allocate());
    require(flux::detail::ThreadHeap::owner_of(objects.back()) == side.heap(),
            "an object belongs to the heap of the thread and the side that allocated it");
    std::memset(objects.back(), static_cast<int>(i % 251), Side::kObjectBytes);
  }
  return objects;
}

void deallocate(const Side& side, const Objects& objects) {
  for (std::size_t i = 0; i != objects.size(); ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(objects[i]);
    require(bytes[8] == i % 251 && bytes[Side::kObjectBytes - 1] == i % 251, "objects keep what they hold");
    side.deallocate(objects[i]);
  }
}

template <class Work>
void run_thread(Work work) {
  std::thread(work).join();
}

/// In all: the most that are alive, and what bins, chains and the outbox keep.
void come_home(const Side& from, const Side& to) {
  std::set<void*> seen;
  for (int round = 0; round != 50; ++round) {
    const Objects objects = allocate(from);
    seen.insert(objects.begin(), objects.end());
    deallocate(to, objects);
    to.flush();
  }
  require(seen.size() < 4 * kObjects, "what the other side freed is used again");
}

void cross_on_one_thread(const Side& from, const Side& to) {
  const Objects crossing = allocate(from);
  const Objects staying = allocate(to);
  deallocate(to, crossing);
  const Objects more = allocate(to);
  deallocate(to, staying);
  deallocate(from, more);
  deallocate(to, allocate(from));
}

void cross_between_threads(const Side& from, const Side& to) {
  Objects objects;
  run_thread([&] { objects = allocate(from); });
  deallocate(to, objects);
  objects = allocate(from);
  run_thread([&] { deallocate(to, objects); });
  run_thread([&] { objects = allocate(from); });
  run_thread([&] {
    deallocate(from, allocate(to));
    deallocate(to, objects);
    deallocate(to, allocate(from));
  });
}

void cross_in_a_container(const Side& from, const Side& to) {
  Numbers numbers;
  Numbers others;
  from.fill(numbers, 1000);
  to.fill(others, 1000);
  numbers.splice(numbers.begin(), others);
  from.fill(numbers, 1000);
  require(numbers.size() == 3000, "nodes of both sides make one list");
  to.clear(numbers);
}

using Handles = std::vector<NumberHandle>;

Handles create(const Side& side, NumberPool& pool, long count) {
  Handles handles;
  for (long i = 0; i != count; ++i) handles.push_back(side.create(pool, i));
  return handles;
}

void destroy(const Side& side, NumberPool& pool, const Handles& handles, const Side& other) {
  for (std::size_t i = 0; i != handles.size(); ++i) {
    const long* const number = side.get(pool, handles[i]);
    require(number == other.get(pool, handles[i]), "both sides find the same object");
    require(number != nullptr && *number == static_cast<long>(i), "it is whole");
    require(side.destroy(pool, handles[i]), "either side destroys it");
    require(!other.destroy(pool, handles[i]), "and the other knows that it is gone");
  }
}

/// Threads that each use one side only: the sides may give them the same numbers.
void cross_in_a_pool_at_once(const Side& from, const Side& to, NumberPool& pool) {
  std::vector<std::thread> threads;
  for (const Side* side : {&from, &to, &from, &to}) {
    threads.emplace_back([side, &pool] {
      for (int round = 0; round != 3000; ++round) {
        const Handles handles = create(*side, pool, 70);
        for (long i = 0; i != 70; ++i) {
          const NumberHandle handle = handles[static_cast<std::size_t>(i)];
          const long* const number = side->get(pool, handle);
          require(number != nullptr && *number == i, "no two threads get the same slot");
          require(side->destroy(pool, handle), "an object is destroyed by who made it");
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void cross_in_a_pool(const Side& from, const Side& to) {
  NumberPool* const pool = from.make_pool();
  NumberPool* const other = to.make_pool();
  destroy(to, *pool, create(from, *pool, 3000), from);
  destroy(from, *pool, create(to, *pool, 3000), to);
  Handles handles;
  run_thread([&] { handles = create(to, *pool, 3000); });
  destroy(from, *pool, handles, to);
  cross_in_a_pool_at_once(from, to, *pool);
  require(pool->size() == 0 && pool->is_valid(), "the pool is whole");
  const NumberHandle one = from.create(*pool, 1);
  const NumberHandle two = to.create(*other, 2);
  require(to.get(*pool, one) != nullptr && from.get(*other, two) != nullptr, "each pool knows its own");
  require(!from.destroy(*other, one), "and no other's");
  to.drop_pool(pool);
  from.drop_pool(other);
}

void cross(const Side& from, const Side& to) {
  cross_on_one_thread(from, to);
  cross_between_threads(from, to);
  cross_in_a_container(from, to);
  cross_in_a_pool(from, to);
  come_home(from, to);
  run_thread([&] { come_home(from, to); });
  from.trim();
  to.trim();
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(flux::test::kDeadline);
  const bool is_global = std::strcmp(arguments[2], "global") == 0;
  void* const library = load(arguments[1], is_global ? RTLD_GLOBAL : RTLD_LOCAL);
  for (int round = 0; round != 2; ++round) {
    cross(kThisSide, side_of(library));
    cross(side_of(library), kThisSide);
  }
  const Objects left = allocate(side_of(library));
  require(::dlclose(library) == 0, "the library is closed");
  deallocate(kThisSide, left);
  return 0;
}
