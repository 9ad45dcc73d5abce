// The program of every consumer project.
#include <flux/Version.hpp>
#include <flux/flux.hpp>
#include <list>
#include <thread>

int main() {
  std::list<int, flux::Allocator<int>> numbers;
  std::thread([&] { numbers.assign(1000, 7); }).join();
  numbers.pop_back();
  return numbers.size() == 999 && flux::kVersion >= flux::Version{1, 0, 0} ? 0 : 1;
}
