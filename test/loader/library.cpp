// A library that uses flux in its static initialiser, while the loader holds its lock, there also on a thread
// that it waits for, and in a function.
#include <flux/Allocator.hpp>

#include <list>
#include <thread>

#include "library.hpp"

namespace {

struct OfThisLibrary;  // a domain that nothing else has

using Numbers = std::list<int, flux::Allocator<int, OfThisLibrary>>;

Numbers numbers = [] {
  if (flux_test_while_loading != nullptr) flux_test_while_loading();
  std::thread([] { Numbers(100, 7); }).join();
  return Numbers(100, 7);
}();

}  // namespace

extern "C" int flux_test_use() {
  const Numbers copy = numbers;
  return static_cast<int>(copy.size());
}
