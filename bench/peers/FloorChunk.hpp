#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>

namespace bench {

/// A free object of the floors, in a list of others.
struct FloorLink {
  FloorLink* next;
};

/// What the floors take for a T: whole links.
template <class T>
constexpr std::size_t floor_size() {
  static_assert(alignof(T) <= alignof(FloorLink));
  return (sizeof(T) + sizeof(FloorLink) - 1) / sizeof(FloorLink) * sizeof(FloorLink);
}

/// The calling thread's fresh memory: huge pages, so that its first touch is as cheap as it can be.
struct FloorChunk {
  static constexpr std::size_t kSize = std::size_t{32} << 20;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static inline constinit thread_local char* next = nullptr;
  static inline constinit thread_local std::size_t left = 0;

  static void* carve(std::size_t bytes) {
    if (left < bytes) [[unlikely]]
      map();
    char* const object = next;
    next += bytes;
    left -= bytes;
    return object;
  }

  /// Where the present chunk begins.
  static std::uintptr_t begin() noexcept { return reinterpret_cast<std::uintptr_t>(next) - (kSize - left); }

 private:
  [[gnu::noinline, gnu::cold]] static void map() {
    void* const p = ::mmap(nullptr, kSize + kHugePage, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc{};
    const std::size_t to_boundary = -reinterpret_cast<std::uintptr_t>(p) & (kHugePage - 1);
    next = static_cast<char*>(p) + to_boundary;
    left = kSize;
    ::madvise(next, kSize, MADV_HUGEPAGE);
  }
};

}  // namespace bench
