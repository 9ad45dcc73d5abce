// A structure that is dropped whole.
#include <flux/Heap.hpp>

#include <functional>
#include <map>
#include <memory_resource>
#include <new>
#include <string>

namespace {

struct Order {
  long price;
  int quantity;
};

}  // namespace

using Book = std::map<long, Order, std::less<long>, flux::HeapAllocator<std::pair<const long, Order>>>;

int main() {
  flux::Heap heap(64 << 20);                                    // for one thread at a time, never more than 64 MiB
  Book& book = *::new (heap.allocate(sizeof(Book))) Book(heap);  // the map itself lies in the heap as well
  book[7] = {100, 5};

  flux::HeapResource resource(heap);
  std::pmr::string& note = *::new (heap.allocate(sizeof(std::pmr::string))) std::pmr::string("fills", &resource);
  note += " as it comes";

  heap.release();                                               // all of it, at once: nobody visits the nodes

  return heap.used_bytes() == 0 ? 0 : 1;
}
