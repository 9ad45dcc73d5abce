#include "support/Memory.hpp"

#include <unistd.h>

#include <fstream>

namespace flux::test {

ProcessMemory process_memory() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0, resident_pages = 0;
  file >> pages >> resident_pages;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {pages * page, resident_pages * page};
}

}  // namespace flux::test
