// Uses objects rightly, reads one after its free, or loses some, for a memory checker to see.
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <flux/Allocator.hpp>
#include <list>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Order {
  long words[8];
};

using Orders = std::vector<Order*>;

Orders make(std::size_t count) {
  Orders orders(count);
  for (Order*& order : orders)
    *(order = flux::Allocator<Order>().allocate(1)) = Order{{1, 2, 3, 4, 5, 6, 7, 8}};
  return orders;
}

void free_all(const Orders& orders) {
  for (Order* const order : orders) flux::Allocator<Order>().deallocate(order, 1);
}

void free_all_elsewhere(const Orders& orders) {
  std::thread([&orders] {
    free_all(make(1));  // so that the thread sends chains
    free_all(orders);
  }).join();
}

/// Of one that has what its parent has.
int exit_of_a_child() {
  const Orders orders = make(10);
  const pid_t child = ::fork();
  if (child == 0) std::exit(0);
  int status = -1;
  ::waitpid(child, &status, 0);
  free_all(orders);
  return status;
}

// Gone when what is static has ended, not before.
std::list<long, flux::Allocator<long>> static_list;

void use_rightly() {
  std::list<int, flux::Allocator<int>> list(10'000, 7);
  list.clear();
  static_list.assign({1, 2, 3});
  for (int round = 0; round != 10; ++round) {
    const Orders orders = make(1'000);
    round % 2 == 0 ? free_all(orders) : free_all_elsewhere(orders);
  }
}

[[gnu::noinline]] void lose_some() {
  for (int i = 0; i != 100; ++i) static_cast<void>(make(10));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view way = count == 2 ? arguments[1] : "";
  if (way == "clean") use_rightly();
  if (way == "leak") lose_some();
  if (way == "fork") return exit_of_a_child();
  if (way != "local" && way != "remote") return 0;
  const Orders orders = make(640);
  way == "local" ? free_all(orders) : free_all_elsewhere(orders);
  long sum = 0;  // of all: some of them hold links on their way home, and are no news
  for (const Order* const order : orders) sum += static_cast<const volatile long&>(order->words[7]);
  return sum == 0 ? 1 : 0;
}
