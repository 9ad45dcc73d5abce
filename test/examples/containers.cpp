// The first program.
#include <flux/Allocator.hpp>

#include <list>
#include <map>
#include <string>

int main() {
  std::list<int, flux::Allocator<int>> orders{3, 1, 2};
  orders.sort();

  std::map<int, std::string, std::less<int>, flux::Allocator<std::pair<const int, std::string>>> names;
  names[orders.front()] = "first";
}
