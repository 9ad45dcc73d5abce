#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>

#if FLUX_CHECKED && FLUX_ADDRESS_SANITIZER
extern "C" void __asan_poison_memory_region(const volatile void* begin, std::size_t bytes);
extern "C" void __asan_unpoison_memory_region(const volatile void* begin, std::size_t bytes);
#endif

namespace flux::inline FLUX_ABI::detail {

// What memory checkers are told, in a checked build. AddressSanitizer is there when the code is compiled; free objects are poisoned, so that
// it reports a use at the access. Valgrind's memcheck is found when the program runs: objects are announced to it as
// blocks of a heap, and it does the rest.
//
//   an object is announced as allocated, or freed, or not at all yet
//   open_free .. close_free: the bytes of a freed object that flux itself has use for. A carrier's stay open until its next
//   announcement.

/// Requests to Valgrind, as its manual describes them.
class Valgrind {
 public:
  /// Whether the program runs under it. Any thread.
  static bool is_there() noexcept {
    if constexpr (!FLUX_CHECKED) return false;
    // relaxed: all threads find the same.
    signed char known = is_there_.load(std::memory_order_relaxed);
    if (known == kUnknown) [[unlikely]] {
      known = request(kRunningOnValgrind, 0, 0) != 0 ? 1 : 0;
      is_there_.store(known, std::memory_order_relaxed);
    }
    return known != 0;
  }

  /// The same, or nobody has asked yet: for short ways.
  static bool may_be_there() noexcept {
    // relaxed: as above.
    return is_there_.load(std::memory_order_relaxed) != 0;
  }

  static void allocated(const void* p, std::size_t bytes) noexcept {
    request(kMallocLikeBlock, as_word(p), bytes);
  }
  static void freed(const void* p) noexcept { request(kFreeLikeBlock, as_word(p), 0); }
  static void make_defined(const void* p, std::size_t bytes) noexcept {
    request(kMakeDefined, as_word(p), bytes);
  }
  static void make_inaccessible(const void* p, std::size_t bytes) noexcept {
    request(kMakeNoAccess, as_word(p), bytes);
  }

  /// Has it say nothing of what the calling thread does, until the end of the scope.
  class Silence {
   public:
    Silence() noexcept { request(kChangeErrorDisablement, 1, 0); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() { request(kChangeErrorDisablement, ~std::uintptr_t{0}, 0); }
  };

 private:
  static constexpr signed char kUnknown = -1;
  static constexpr std::uintptr_t kRunningOnValgrind = 0x1001;
  static constexpr std::uintptr_t kChangeErrorDisablement = 0x1801;
  static constexpr std::uintptr_t kMallocLikeBlock = 0x1301;
  static constexpr std::uintptr_t kFreeLikeBlock = 0x1302;
  static constexpr std::uintptr_t kMemcheck = std::uintptr_t{'M'} << 24 | std::uintptr_t{'C'} << 16;
  static constexpr std::uintptr_t kMakeNoAccess = kMemcheck;
  static constexpr std::uintptr_t kMakeDefined = kMemcheck + 2;

  static std::uintptr_t as_word(const void* p) noexcept { return reinterpret_cast<std::uintptr_t>(p); }

  static std::uintptr_t request(std::uintptr_t code, std::uintptr_t first, std::uintptr_t second) noexcept {
    const volatile std::uintptr_t arguments[6] = {code, first, second, 0, 0, 0};
    return System::ask_valgrind(arguments);
  }

  static inline constinit std::atomic<signed char> is_there_{kUnknown};
};

#if FLUX_CHECKED && FLUX_ADDRESS_SANITIZER

/// Of a block of `stride` bytes, which is open, the first `bytes` are the user's.
inline void announce_allocated(void* p, std::size_t stride, std::size_t bytes) noexcept {
  __asan_poison_memory_region(static_cast<char*>(p) + bytes, stride - bytes);
}
inline void announce_freed(void* p, std::size_t bytes) noexcept { __asan_poison_memory_region(p, bytes); }
inline void open_free(void* p, std::size_t bytes) noexcept { __asan_unpoison_memory_region(p, bytes); }
inline void close_free(void* p, std::size_t bytes) noexcept { __asan_poison_memory_region(p, bytes); }
/// Of objects that end all at once; and memory that is none of objects.
inline void announce_all_freed(void* p, std::size_t bytes) noexcept { __asan_poison_memory_region(p, bytes); }
inline void announce_no_object(void* p, std::size_t bytes) noexcept {
  __asan_unpoison_memory_region(p, bytes);
}

#else

inline void announce_allocated(void* p, std::size_t stride, std::size_t bytes) noexcept {
  if (!Valgrind::is_there()) return;
  Valgrind::make_inaccessible(static_cast<char*>(p) + bytes, stride - bytes);
  Valgrind::allocated(p, bytes);
}
inline void announce_freed(void* p, std::size_t stride) noexcept {
  if (!Valgrind::is_there()) return;
  Valgrind::freed(p);
  Valgrind::make_inaccessible(p, stride);
}
inline void open_free(void* p, std::size_t bytes) noexcept {
  if (Valgrind::is_there()) Valgrind::make_defined(p, bytes);
}
inline void close_free(void* p, std::size_t bytes) noexcept {
  if (Valgrind::is_there()) Valgrind::make_inaccessible(p, bytes);
}
inline void announce_all_freed(void*, std::size_t) noexcept {}
inline void announce_no_object(void* p, std::size_t bytes) noexcept {
  if (bytes != 0 && Valgrind::is_there()) Valgrind::make_defined(p, bytes);
}

#endif

}  // namespace flux::inline FLUX_ABI::detail
