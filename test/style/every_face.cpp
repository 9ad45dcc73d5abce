// Uses every face once, so that what reads programs reads all of the headers.
#include <flux/BoostMemoryResource.hpp>
#include <flux/flux.hpp>
#include <iostream>
#include <list>
#include <memory>
#include <memory_resource>
#include <vector>

namespace {

struct Order {
  long price = 0;
  int quantity = 0;
};
struct Orders;

void use_containers() {
  std::list<Order, flux::Allocator<Order, Orders>> orders(3);
  const std::pmr::list<Order> more({Order{}}, flux::memory_resource<Orders>());
  flux::BurstAllocator<Order> burst;
  const std::vector<Order, flux::BurstAllocator<Order>> few(2, Order{}, burst);
  orders.clear();
}

void use_objects() {
  flux::HandlePool<Order> pool;
  const flux::Handle<Order> order = pool.create();
  if (Order* const there = pool.get(order)) there->quantity = 1;
  pool.destroy(order);
  using Provider = flux::SlabProvider<Order, "Orders">;
  const auto alone = Provider::make();
  const std::shared_ptr<Order> shared = Provider::make_shared();
}

void use_memory() {
  void* const block = flux::allocate(100);
  flux::deallocate(block, 100);
  flux::Heap heap(std::size_t{1} << 20);
  const std::list<Order, flux::HeapAllocator<Order>> in_heap(3, Order{}, heap);
  flux::HeapResource resource(heap);
  const std::pmr::vector<int> numbers({1, 2}, &resource);
  flux::BufferPool buffers;
  const flux::Buffer buffer = buffers.get(100);
  flux::reserve<Order>(10);
}

}  // namespace

int main() {
  flux::set_misuse_handler([](const flux::Misuse&) {});
  flux::set_trace([](const flux::Trace&) noexcept {});
  use_containers();
  use_objects();
  use_memory();
  flux::visit<Orders>([](const flux::SlabView& slab) { std::cout << slab.live(); });
  flux::write_heap_map(std::cout);
  std::cout << flux::stats();
  flux::write_json(std::cout, flux::stats());
  flux::write_prometheus(std::cout, flux::stats());
  flux::flush();
  return flux::report_leaks(std::cerr) == 0 && flux::trim() == 0 ? 0 : 1;
}
