// A picture of the heaps of a market: one thread keeps the book, one writes reports.
//
//   heap_map [FILE.svg]
#include <flux/Allocator.hpp>
#include <flux/HeapMap.hpp>

#include <barrier>
#include <fstream>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <thread>
#include <vector>

struct Orders;  // tags: each has slabs of its own
struct Levels;
struct Reports;

namespace {

struct Order {
  long id;
  long quantity;
  char client[24];
};

struct Report {
  long id;
  char text[240];
};

using Level = std::list<Order, flux::Allocator<Order, Orders>>;
using Book = std::map<long, Level, std::less<>, flux::Allocator<std::pair<const long, Level>, Levels>>;

/// A day's orders at 4,000 prices; the older one is, the more likely it is gone by now.
void trade(Book& book) {
  constexpr long kOrders = 300'000;
  std::mt19937 random(1);
  for (long id = 0; id != kOrders; ++id) book[static_cast<long>(random() % 4'000)].push_back({id, 100, "flux"});
  for (auto& [price, level] : book)
    level.remove_if([&random](const Order& order) { return static_cast<long>(random() % kOrders) > order.id; });
}

/// Numbers that come and go by the million, and a report for some that stay.
template <class List>
void report(List& reports) {
  std::list<long, flux::Allocator<long>> numbers;
  std::vector<List> parts(8);
  for (long id = 0; id != 40'000; ++id) {
    numbers.insert(numbers.end(), 10, id);
    parts[static_cast<std::size_t>(id) % parts.size()].push_back({id, "filled"});
  }
  numbers.resize(100'000);
  for (long left = 8; left != 0; --left, parts.pop_back())  // every second part, and of the last ones nothing
    if (left % 2 == 0 && left < 7) reports.splice(reports.end(), parts.back());
}

}  // namespace

int main() {
  std::barrier all(3);
  std::thread market([&all] {
    Book book;
    trade(book);
    all.arrive_and_wait();  // there is something to see
    all.arrive_and_wait();  // it has been drawn
  });
  std::thread office([&all] {
    std::list<Report, flux::Allocator<Report, Reports>> reports;
    report(reports);
    all.arrive_and_wait();
    all.arrive_and_wait();
  });

  all.arrive_and_wait();
  std::ofstream file("heap_map.svg");
  flux::write_heap_map(file);                         // at any time, on any thread

  all.arrive_and_wait();
  market.join();
  office.join();
  return file.flush() ? 0 : 1;
}
