// A program is linked with a library that uses flux, and that was linked with -z defs: flux leaves no symbol to
// whoever loads it.
#include <thread>

#include "side.hpp"
#include "support/Require.hpp"

extern "C" const Side* flux_test_side();

namespace {

void use() {
  const Side& side = *flux_test_side();
  Numbers numbers;
  side.fill(numbers, 1000);
  kThisSide.fill(numbers, 1000);
  side.clear(numbers);
  kThisSide.deallocate(side.allocate());
  side.deallocate(kThisSide.allocate());
  side.flush();
  side.trim();
}

}  // namespace

int main() {
  ::alarm(flux::test::kDeadline);
  use();
  std::thread(use).join();
  use();
  return 0;
}
