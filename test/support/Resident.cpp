#include "support/Resident.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace flux::test {

// Reads into a buffer on the stack: what measures must not allocate.
std::size_t resident_bytes() {
  std::array<char, 4096> text{};
  const int file = ::open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error("no /proc/self/smaps_rollup");
  const ssize_t got = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  constexpr std::string_view kField = "\nAnonymous:";
  const std::size_t at = std::string_view(text.data()).find(kField);
  if (got <= 0 || at == std::string_view::npos)
    throw std::runtime_error("/proc/self/smaps_rollup has no figure");
  return std::strtoull(text.data() + at + kField.size(), nullptr, 10) * kKiB;
}

}  // namespace flux::test
