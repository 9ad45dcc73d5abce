// What libFuzzer calls, for the target FLUX_FUZZ_TARGET. An exception that leaves it is a crash.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "fuzz/Targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    flux::test::fuzz::FLUX_FUZZ_TARGET({data, size});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "flux_fuzz: %s\n", failure.what());
    std::abort();
  }
  return 0;
}
