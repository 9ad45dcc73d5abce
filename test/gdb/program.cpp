// Something for gdb to look at: heaps of two tags and several threads, of which some have ended, and values of every kind that
// reads as what it is. Says what it has, stops at `stop_here`, and says again whether that is still so.
#include <sys/resource.h>

#include <barrier>
#include <flux/flux.hpp>
#include <iostream>
#include <list>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/Require.hpp"

struct Orders;
struct Node {
  long words[5];
};

extern "C" {
void stop_here();
[[gnu::noinline]] void stop_here() { __asm__ volatile(""); }
void make_elsewhere();  // library.cpp
}

namespace {

using Allocator = flux::Allocator<Node, Orders>;

std::string statistics() {
  std::ostringstream out;
  out << flux::stats();
  return out.str();
}

/// So that heaps reserve little: gdb writes into a core also the addresses that are no more than reserved.
void limit_addresses() {
  constexpr rlim_t kBytes = rlim_t{1} << 30;
  const rlimit limit{kBytes, kBytes};
  flux::test::require(::setrlimit(RLIMIT_AS, &limit) == 0, "addresses are limited");
}

/// So that an optimised program has the value in memory as well.
template <class T>
void keep(T& value) {
  __asm__ volatile("" : : "g"(&value) : "memory");
}

void step_here() {
  flux::Allocator<long> allocator;
  long* p = nullptr;
  __asm__ volatile("" : "+g"(p));
  p = allocator.allocate(1);   // the line to step over
  *p = 1;                      // the line after it
  allocator.deallocate(p, 1);  // and one more
  __asm__ volatile("" : : "g"(&p) : "memory");
}

}  // namespace

int main() {
  limit_addresses();
  std::list<Node, Allocator> orders(3000);
  std::list<long, flux::Allocator<long>> own(10), from_elsewhere;
  std::barrier stopped(2);
  std::thread living([&] {
    std::list<short, flux::Allocator<short>> its_own(500);
    orders.resize(2900);
    stopped.arrive_and_wait();
    stopped.arrive_and_wait();
  });
  stopped.arrive_and_wait();
  std::thread([&from_elsewhere] { from_elsewhere.resize(2000); }).join();  // its heap is parked

  Allocator allocator;
  flux::Heap heap;
  std::list<long, flux::HeapAllocator<long>> in_heap(1000, 1, heap);
  flux::HandlePool<Node> pool;
  flux::Handle<Node> none, alive = pool.create(), gone = pool.create();
  pool.destroy(gone);
  make_elsewhere();
  keep(allocator);
  keep(heap);
  keep(none);
  keep(alive);
  keep(gone);

  step_here();
  const std::string before = statistics();
  std::cout << before << std::flush;
  stop_here();
  flux::test::require(statistics() == before, "gdb has changed nothing");
  stopped.arrive_and_wait();
  living.join();
  return pool.get(alive) != nullptr && pool.get(gone) == nullptr && pool.get(none) == nullptr ? 0 : 1;
}
