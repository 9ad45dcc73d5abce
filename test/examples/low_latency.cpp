// A thread that does not wait for memory.
#include <flux/Allocator.hpp>
#include <flux/Control.hpp>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <list>
#include <thread>

struct Order {
  long price;
  int quantity;
};

constexpr std::size_t kOrders = 100'000;

bool pin_to(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  return pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) == 0;
}

void trade() {
  if (!pin_to(0)) std::fputs("not pinned\n", stderr);
  flux::reserve(sizeof(Order) + 2 * sizeof(void*), kOrders);  // nodes of std::list<Order>
  if (mlockall(MCL_CURRENT | MCL_ONFAULT) != 0) std::perror("mlockall");

  std::list<Order, flux::Allocator<Order>> orders;
  for (int i = 0; i != 1'000'000; ++i) {  // from here on no system call and no page fault for memory
    orders.push_back({i, 1});
    if (orders.size() == kOrders) orders.pop_front();
  }
}

int main() {
  flux::set_retention_limit(flux::kHold);  // free memory stays with its thread
  flux::set_huge_pages_from(0);            // huge pages from the first object on

  std::thread(trade).join();
}
