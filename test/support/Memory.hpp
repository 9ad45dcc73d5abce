// What the system says about the memory of this process.
#pragma once

#include <cstddef>

namespace flux::test {

struct ProcessMemory {
  std::size_t address_space_bytes;
  std::size_t resident_bytes;
};

ProcessMemory process_memory();

}  // namespace flux::test
