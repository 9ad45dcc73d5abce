// From the pool resources of the standard library to flux.
#include <flux/Allocator.hpp>
#include <flux/Heap.hpp>
#include <flux/MemoryResource.hpp>

#include <cstddef>
#include <list>
#include <memory_resource>

namespace {

std::size_t before() {
  std::pmr::unsynchronized_pool_resource pool;
  std::pmr::list<long> numbers({3, 1, 2}, &pool);

  std::pmr::monotonic_buffer_resource arena;
  std::pmr::list<long> request({1, 2}, &arena);

  return numbers.size() + request.size();
}

std::size_t after() {
  std::pmr::list<long> numbers({3, 1, 2}, flux::memory_resource());

  flux::Heap heap;
  flux::HeapResource arena(heap);
  std::pmr::list<long> request({1, 2}, &arena);

  return numbers.size() + request.size();
}

std::size_t without_virtual_calls() {
  std::list<long, flux::Allocator<long>> numbers{3, 1, 2};

  flux::Heap heap;
  std::list<long, flux::HeapAllocator<long>> request({1, 2}, heap);

  return numbers.size() + request.size();
}

}  // namespace

int main() { return before() == after() && after() == without_virtual_calls() ? 0 : 1; }
