#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// \file
/// What the system knows of this process, read without touching the heap.

namespace orderbook {

struct PageFaults {
  std::uint64_t minor = 0;  ///< served from memory
  std::uint64_t major = 0;  ///< waited for a disk

  static PageFaults now() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return {static_cast<std::uint64_t>(usage.ru_minflt), static_cast<std::uint64_t>(usage.ru_majflt)};
  }

  PageFaults operator-(const PageFaults& before) const noexcept {
    return {minor - before.minor, major - before.major};
  }

  PageFaults& operator+=(const PageFaults& more) noexcept {
    minor += more.minor;
    major += more.major;
    return *this;
  }
};

/// Memory in KiB that this process has written and shares with no other: in a forked child neither the
/// parent's messages nor program text count, a copied page does. Counted page by page where the system has
/// smaps_rollup (the running counters behind getrusage are up to some hundred KiB off), else the peak that
/// getrusage knows.
inline std::int64_t private_memory_kib() noexcept {
  char buffer[4096];
  std::size_t size = 0;
  if (const int file = ::open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC); file >= 0) {
    for (ssize_t count = 1;
         count > 0 && size<sizeof buffer; size += count> 0 ? static_cast<std::size_t>(count) : 0)
      count = ::read(file, buffer + size, sizeof buffer - size);
    ::close(file);
  }
  constexpr std::string_view kKey = "Private_Dirty:";
  std::string_view text(buffer, size);
  if (const std::size_t at = text.find(kKey); at != std::string_view::npos) {
    text.remove_prefix(at + kKey.size());
    text.remove_prefix(text.find_first_of("0123456789"));
    std::int64_t kib = 0;
    std::from_chars(text.data(), text.data() + text.size(), kib);
    return kib;
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace orderbook
