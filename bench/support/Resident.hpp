#pragma once

#include <unistd.h>

#include <fstream>

namespace bench {

/// Resident memory of the process, bytes. Its first call takes some for itself.
inline double resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace bench
