// A library that frees the program's objects helps with the program's heaps, by the program's settings, whatever its
// own are.
//
//   limits LIBRARY local|global
#include <cstring>
#include <thread>
#include <vector>

#include "load.hpp"
#include "support/Require.hpp"

namespace {

using flux::detail::ThreadHeap;
using flux::test::require;

constexpr std::size_t kObjects = 1'000'000;
constexpr std::size_t kMiB = std::size_t{1} << 20;

/// What a thread of the program, which has ended, keeps of the memory that the library freed.
std::size_t retained_after(const Side& library) {
  std::vector<void*> objects;
  std::thread([&] {
    for (std::size_t i = 0; i != kObjects; ++i) objects.push_back(kThisSide.allocate());
  }).join();
  ThreadHeap* const heap = ThreadHeap::owner_of(objects.front());
  for (void* object : objects) library.deallocate(object);
  library.flush();
  const std::size_t retained = heap->retained_bytes();
  kThisSide.trim();
  return retained;
}

/// Whether no parked heap has a part of the limit.
bool is_all_to_be_had() {
  constexpr std::size_t kLimit = 64 * kMiB;
  const std::size_t claimed = flux::detail::parked_bytes.claim(kLimit, kLimit);
  flux::detail::parked_bytes.give_back(claimed);
  return claimed == kLimit;
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(flux::test::kDeadline);
  const bool is_global = std::strcmp(arguments[2], "global") == 0;
  const Side& library = side_of(load(arguments[1], is_global ? RTLD_GLOBAL : RTLD_LOCAL));
  library.deallocate(library.allocate());
  flux::set_retention_limit(flux::kHold);
  require(retained_after(library) >= 60 * kMiB, "a program that holds memory keeps what libraries free");
  require(is_all_to_be_had(), "what was held is accounted for where it was taken");
  flux::set_retention_limit(0);
  require(retained_after(library) <= 2 * kMiB,
          "a program that keeps nothing keeps nothing of what libraries free");
  require(is_all_to_be_had(), "all is accounted for");
  return 0;
}
