#pragma once

#include <sched.h>

#include <array>
#include <cstddef>
#include <fstream>
#include <string>
#include <utility>

namespace bench {

/// Keeps the calling thread on a core while it lives: on the first that the process may use, or on the second, which is the first
/// again where there is no other. On one core two threads would take turns, and no cache line would move.
class OwnCore {
 public:
  explicit OwnCore(bool is_second) {
    const std::array<std::size_t, 2> cores = both();
    ::sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cores[is_second ? 1 : 0], &own);
    ::sched_setaffinity(0, sizeof own, &own);
  }
  OwnCore(const OwnCore&) = delete;
  OwnCore& operator=(const OwnCore&) = delete;
  ~OwnCore() { ::sched_setaffinity(0, sizeof before_, &before_); }

  static bool are_two() { return both()[0] != both()[1]; }

 private:
  static const std::array<std::size_t, 2>& both() {
    static const std::array<std::size_t, 2> cores = first_cores();
    return cores;
  }

  /// A hardware thread of each of the first two cores.
  static std::array<std::size_t, 2> first_cores() {
    cpu_set_t allowed;
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    for (std::size_t cpu = first + 1; cpu != CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed) && core_of(cpu) != core_of(first)) return {first, cpu};
    return {first, first};
  }

  /// Processor and core of a hardware thread; a core of its own where the system does not say.
  static std::pair<std::size_t, std::size_t> core_of(std::size_t cpu) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const auto number = [&folder](const char* name, std::size_t otherwise) {
      std::size_t read = 0;
      return std::ifstream(folder + name) >> read ? read : otherwise;
    };
    return {number("physical_package_id", 0), number("core_id", cpu)};
  }

  cpu_set_t before_;
};

}  // namespace bench
