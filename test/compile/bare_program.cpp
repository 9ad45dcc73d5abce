// Built with -fno-exceptions -fno-rtti: works without an argument, and asks for too much with one.
#include <cstddef>
#include <flux/flux.hpp>
#include <limits>
#include <list>
#include <map>

namespace {

int use_containers() {
  std::list<int, flux::Allocator<int>> list;
  std::map<int, int, std::less<>, flux::Allocator<std::pair<const int, int>>> map;
  for (int i = 0; i < 1000; ++i) {
    list.push_front(i);
    map.emplace(i, list.front());
  }
  return list.size() == map.size() ? 0 : 1;
}

int ask_for_too_much() {
  flux::Allocator<long> allocator;
  volatile std::size_t count = std::numeric_limits<std::size_t>::max() / 2;
  long* never = allocator.allocate(count);
  allocator.deallocate(never, count);
  return 0;
}

}  // namespace

int main(int argc, char**) { return argc == 1 ? use_containers() : ask_for_too_much(); }
