#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/base/Tools.hpp>

// LeakSanitizer looks for pointers in what malloc gave, not in mapped pages: it is told of ours. Weak: null
// elsewhere.
extern "C" [[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t bytes);
extern "C" [[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t bytes);

namespace flux::inline FLUX_ABI::detail {

// Every call to the system for memory goes through this table, so that a test can make the n-th call fail.

struct PageSource {
  /// Address space of `bytes` aligned to `alignment`, inaccessible and free of charge; nullptr when there is
  /// none.
  std::byte* (*reserve)(std::size_t bytes, std::size_t alignment) noexcept;
  /// Gives reserved address space back.
  void (*release)(std::byte* begin, std::size_t bytes) noexcept;
  /// Makes reserved pages readable and writable, zero at first touch; false when the system refuses.
  bool (*commit)(std::byte* begin, std::size_t bytes) noexcept;
  /// Says, before the release, that pages are no longer used which were committed as one.
  void (*uncommit)(std::byte* begin, std::size_t bytes) noexcept;
  /// Asks for small (false) or huge (true) pages in reserved space: advice, which may come to nothing.
  void (*advise_huge)(std::byte* begin, std::size_t bytes, bool huge) noexcept;
  /// Makes committed pages resident, whatever they hold; false when memory is out.
  bool (*populate)(std::byte* begin, std::size_t bytes) noexcept;
  /// Gives the memory of committed pages back: they stay committed, and are zero at the next touch.
  void (*discard)(std::byte* begin, std::size_t bytes) noexcept;
  /// The most address space the process may have, in bytes.
  std::size_t (*address_limit)() noexcept;
};

namespace system_pages {

inline constexpr std::size_t kLeastPageBytes = 4096;

inline std::size_t page_bytes() noexcept {
  const long bytes = ::sysconf(_SC_PAGESIZE);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : kLeastPageBytes;
}

inline std::byte* map_inaccessible(std::size_t bytes) noexcept {
  void* p = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<std::byte*>(p);
}

inline void release(std::byte* begin, std::size_t bytes) noexcept {
  if (bytes != 0) ::munmap(begin, bytes);
}

inline std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept {
  std::byte* const got = map_inaccessible(bytes + alignment);
  if (got == nullptr) return nullptr;
  const std::size_t before = (0 - reinterpret_cast<std::uintptr_t>(got)) & (alignment - 1);
  release(got, before);
  release(got + before + bytes, alignment - before);
  return got + before;
}

inline bool commit(std::byte* begin, std::size_t bytes) noexcept {
  if (::mprotect(begin, bytes, PROT_READ | PROT_WRITE) != 0) return false;
  announce_no_object(begin, bytes);  // whatever lay at these addresses before
  if (&__lsan_register_root_region != nullptr) __lsan_register_root_region(begin, bytes);
  return true;
}

inline void uncommit(std::byte* begin, std::size_t bytes) noexcept {
  announce_no_object(begin, bytes);  // to whoever has these addresses next
  if (&__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(begin, bytes);
}

inline void advise_huge([[maybe_unused]] std::byte* begin, [[maybe_unused]] std::size_t bytes,
                        [[maybe_unused]] bool huge) noexcept {
#if defined(MADV_HUGEPAGE)
  const KeepErrno keep;
  ::madvise(begin, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

/// For kernels before 5.14. Atomic, and changes nothing: the pages may hold what other threads write, and free objects,
/// which AddressSanitizer is told to watch over.
__attribute__((no_sanitize("address"))) inline bool touch(std::byte* begin, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += kLeastPageBytes)
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(begin + at), 0, __ATOMIC_RELAXED);
  return true;
}

inline bool populate(std::byte* begin, std::size_t bytes) noexcept {
#if defined(MADV_POPULATE_WRITE)
  constexpr int kPopulateWrite = MADV_POPULATE_WRITE;
#else
  constexpr int kPopulateWrite = 23;   // Linux
#endif
  if (::madvise(begin, bytes, kPopulateWrite) == 0) return true;
  return errno != ENOMEM && touch(begin, bytes);
}

/// Also of pages that the program has locked, where the kernel can (5.18).
inline void discard(std::byte* begin, std::size_t bytes) noexcept {
#if defined(MADV_DONTNEED_LOCKED)
  constexpr int kDontNeedLocked = MADV_DONTNEED_LOCKED;
#else
  constexpr int kDontNeedLocked = 24;  // Linux
#endif
  const KeepErrno keep;
  if (::madvise(begin, bytes, MADV_DONTNEED) != 0) ::madvise(begin, bytes, kDontNeedLocked);
}

inline std::size_t address_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur > SIZE_MAX) return SIZE_MAX;
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// Memory of the machine, bytes.
inline std::size_t physical_bytes() noexcept {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  return pages > 0 ? static_cast<std::size_t>(pages) * page_bytes() : SIZE_MAX;
}

}  // namespace system_pages

inline constexpr PageSource kSystemPages{
    system_pages::reserve,     system_pages::release,  system_pages::commit,  system_pages::uncommit,
    system_pages::advise_huge, system_pages::populate, system_pages::discard, system_pages::address_limit};

/// The source in use. Tests replace it while one thread runs; nothing else writes it.
inline constinit PageSource page_source = kSystemPages;

}  // namespace flux::inline FLUX_ABI::detail
