// A library that uses flux in its static initialiser, while the loader holds its lock, and in a function.
#include <flux/Allocator.hpp>

#include <list>

#include "library.hpp"

namespace {

std::list<int, flux::Allocator<int>> numbers = [] {
  if (flux_test_while_loading != nullptr) flux_test_while_loading();
  return std::list<int, flux::Allocator<int>>(100, 7);
}();

}  // namespace

extern "C" int flux_test_use() {
  const std::list<int, flux::Allocator<int>> copy = numbers;
  return static_cast<int>(copy.size());
}
