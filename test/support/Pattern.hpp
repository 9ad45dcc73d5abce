// A mark over all bytes of an allocation, to see that nobody else wrote there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace flux::test {

inline int mark_byte(std::uint64_t mark) noexcept {
  return static_cast<int>(mark * 0x9e3779b97f4a7c15u >> 56);
}

inline void write_mark(void* bytes, std::size_t size, std::uint64_t mark) noexcept {
  std::memset(bytes, mark_byte(mark), size);
}

inline bool has_mark(const void* bytes, std::size_t size, std::uint64_t mark) noexcept {
  const auto* first = static_cast<const unsigned char*>(bytes);
  return std::all_of(first, first + size, [&](unsigned char byte) { return byte == mark_byte(mark); });
}

inline bool is_aligned(const void* address, std::size_t alignment) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

}  // namespace flux::test
