// The picture of the heaps in a program whose operator new comes to flux, and has no memory from the n-th call on, for every n.
//
//   heap_map
#include <unistd.h>

#include <cstddef>
#include <flux/flux.hpp>
#include <list>
#include <new>
#include <sstream>
#include <string>

#include "support/Require.hpp"

namespace {

using flux::test::require;

std::size_t left = SIZE_MAX;  // calls that succeed

std::string picture() {
  std::ostringstream out;
  flux::write_heap_map(out);
  return out.str();
}

bool draws_with(std::size_t calls) {
  std::ostringstream out;
  left = calls;
  try {
    flux::write_heap_map(out);
  } catch (const std::bad_alloc&) {
    left = SIZE_MAX;
    return false;
  }
  left = SIZE_MAX;
  return !out.fail();  // a stream keeps what its buffer throws to itself
}

void use() {
  std::list<long, flux::Allocator<long>> list(5000, 1);
  list.clear();
  flux::trim();
  require(picture().ends_with("</svg>\n"), "a picture is drawn as before");
}

}  // namespace

void* operator new(std::size_t bytes) {
  if (left == 0) throw std::bad_alloc();
  if (left != SIZE_MAX) --left;
  return flux::allocate(bytes);
}
void operator delete(void* p) noexcept { flux::deallocate(p); }
void operator delete(void* p, std::size_t) noexcept { flux::deallocate(p); }

int main() {
  ::alarm(flux::test::kDeadline);
  struct Tag;
  const std::list<int, flux::Allocator<int, Tag>> list(1000);
  std::size_t calls = 0;
  for (; !draws_with(calls); ++calls) {
    require(calls < 10'000, "it is drawn in the end");
    if (calls % 8 == 0) use();
  }
  require(calls > 10, "it was refused memory on the way");
  use();
  return 0;
}
