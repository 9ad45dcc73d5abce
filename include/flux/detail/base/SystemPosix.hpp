#pragma once

// Linux, and what other systems have of it: System.hpp includes this.

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/base/System.hpp>

#if !FLUX_WINDOWS

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <malloc.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#elif defined(__FreeBSD__)
#include <malloc_np.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(__ELF__)
// LeakSanitizer looks for pointers in what malloc gave, not in mapped pages. Weak: null elsewhere.
extern "C" [[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t bytes);
extern "C" [[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t bytes);
#endif

namespace flux::inline FLUX_ABI::detail {

namespace posix {

inline void unmap(std::byte* begin, std::size_t bytes) noexcept {
  if (bytes != 0) ::munmap(begin, bytes);
}

/// Atomic, and changes nothing: the pages may hold what other threads write, and free objects, which AddressSanitizer is
/// told to watch over.
__attribute__((no_sanitize("address"))) inline void touch(std::byte* begin, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += System::kLeastPageBytes)
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(begin + at), 0, __ATOMIC_RELAXED);
}

#if defined(MAP_NORESERVE)
inline constexpr int kNoReserve = MAP_NORESERVE;
#else
inline constexpr int kNoReserve = 0;  // FreeBSD has none
#endif

#if defined(__linux__)
// By their numbers, because the C library's headers may be older than the kernel.
inline constexpr int kPopulateWrite = 23;   // MADV_POPULATE_WRITE, from 5.14 on
inline constexpr int kDontNeedLocked = 24;  // MADV_DONTNEED_LOCKED, from 5.18 on
#endif

}  // namespace posix

inline std::size_t System::page_bytes() noexcept {
  const long bytes = ::sysconf(_SC_PAGESIZE);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : kLeastPageBytes;
}

inline std::size_t System::physical_bytes() noexcept {
#if defined(_SC_PHYS_PAGES)
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  if (pages > 0 && static_cast<std::size_t>(pages) <= SIZE_MAX / page_bytes())
    return static_cast<std::size_t>(pages) * page_bytes();
#endif
  return SIZE_MAX;
}

inline std::size_t System::address_limit() noexcept {
#if defined(RLIMIT_AS)  // OpenBSD has none
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur > SIZE_MAX) return SIZE_MAX;
  return static_cast<std::size_t>(limit.rlim_cur);
#else
  return SIZE_MAX;
#endif
}

inline std::byte* System::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  void* const p =
      ::mmap(nullptr, bytes + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | posix::kNoReserve, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  auto* const got = static_cast<std::byte*>(p);
  const std::size_t before = (0 - reinterpret_cast<std::uintptr_t>(got)) & (alignment - 1);
  posix::unmap(got, before);
  posix::unmap(got + before + bytes, alignment - before);
#if defined(MADV_DONTDUMP)
  // Debuggers write all that is mapped into a core file, accessible or not: 16 GiB for each thread.
  ::madvise(got + before, bytes, MADV_DONTDUMP);
#endif
  return got + before;
}

inline void System::release(std::byte* begin, std::size_t bytes) noexcept { posix::unmap(begin, bytes); }

inline bool System::commit(std::byte* begin, std::size_t bytes) noexcept {
  if (::mprotect(begin, bytes, PROT_READ | PROT_WRITE) != 0) return false;
#if defined(MADV_DODUMP)
  ::madvise(begin, bytes, MADV_DODUMP);
#endif
  return true;
}

inline void System::advise_huge([[maybe_unused]] std::byte* begin, [[maybe_unused]] std::size_t bytes,
                                [[maybe_unused]] bool huge) noexcept {
#if defined(MADV_HUGEPAGE)
  const KeepErrno keep;
  ::madvise(begin, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

inline bool System::populate(std::byte* begin, std::size_t bytes) noexcept {
#if defined(__linux__)
  if (::madvise(begin, bytes, posix::kPopulateWrite) == 0) return true;
  if (errno == ENOMEM) return false;
#endif
  posix::touch(begin, bytes);
  return true;
}

/// Also of pages that the program has locked, where the kernel can.
inline void System::discard(std::byte* begin, std::size_t bytes) noexcept {
  const KeepErrno keep;
#if defined(__linux__)
  if (::madvise(begin, bytes, MADV_DONTNEED) != 0) ::madvise(begin, bytes, posix::kDontNeedLocked);
#else
  ::madvise(begin, bytes, MADV_FREE);  // elsewhere the other one gives nothing back
#endif
}

inline System::Look System::look_at([[maybe_unused]] const void* from, [[maybe_unused]] void* to,
                                    [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__linux__)
  const KeepErrno keep;
  iovec here{to, bytes};
  iovec there{const_cast<void*>(from), bytes};
  const ssize_t got = ::process_vm_readv(::getpid(), &here, 1, &there, 1, 0);
  if (got < 0 && errno != EFAULT) return Look::kNotAllowed;
  return got >= 0 && static_cast<std::size_t>(got) == bytes ? Look::kDone : Look::kNothingThere;
#else
  return Look::kNotAllowed;
#endif
}

/// malloc's own alignment is free of charge. posix_memalign may give nullptr for 0 bytes.
inline void* System::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  // malloc may align what has less than the alignment for so many bytes only.
  if (alignment <= alignof(std::max_align_t)) return std::malloc(std::max(bytes, alignment));
  void* p = nullptr;
  return ::posix_memalign(&p, alignment, bytes + (bytes == 0)) == 0 ? p : nullptr;
}

inline void System::deallocate(void* p) noexcept { std::free(p); }

inline std::size_t System::usable_size(void* p) noexcept {
#if defined(__APPLE__)
  return ::malloc_size(p);
#else
  return ::malloc_usable_size(p);
#endif
}

inline long long System::milliseconds() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long long>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

inline void System::yield() noexcept { ::sched_yield(); }

inline void System::sleep() noexcept {
  const KeepErrno keep;
#if defined(__linux__) && defined(SYS_nanosleep)
  // By its number: the library's function would let the thread be cancelled in here, where nothing may throw. Two longs are
  // what this call has always taken; the library's timespec may be larger on 32-bit systems.
  const long some[] = {0, 50'000};
  ::syscall(SYS_nanosleep, some, nullptr);
#else
  const timespec some{0, 50'000};
  int state = 0;
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  ::nanosleep(&some, nullptr);
  ::pthread_setcancelstate(state, nullptr);
#endif
}

#if defined(__linux__)
inline long System::thread_id() noexcept { return ::syscall(SYS_gettid); }

inline bool System::is_there(long thread_id) noexcept {
  const KeepErrno keep;
  return ::syscall(SYS_tgkill, ::getpid(), thread_id, 0) == 0;
}
#else
/// An address that is the thread's own.
inline long System::thread_id() noexcept {
  return static_cast<long>(reinterpret_cast<std::intptr_t>(&errno));
}
inline bool System::is_there(long) noexcept { return false; }
#endif

inline long System::process_id() noexcept { return ::getpid(); }

inline bool System::tell_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  return ::pthread_atfork(before, in_parent, in_child) == 0;
}

inline bool System::make_key(Key& key, void (*at_end)(void*)) noexcept {
  pthread_key_t made{};
  if (::pthread_key_create(&made, at_end) != 0) return false;
  key = made;
  return true;
}

inline bool System::set(Key key, void* pointer) noexcept {
  return ::pthread_setspecific(static_cast<pthread_key_t>(key), pointer) == 0;
}

inline void System::delete_key(Key key) noexcept { ::pthread_key_delete(static_cast<pthread_key_t>(key)); }

#if defined(__GLIBC__)
namespace posix {

// Weak, because a static program has no loader, and nothing that could be unloaded. Under names of flux's own: what the
// program calls itself stays as it is.
[[gnu::weakref("dladdr1")]] static int weak_dladdr1(const void*, Dl_info*, void**, int);
[[gnu::weakref("dlopen")]] static void* weak_dlopen(const char*, int);

/// What link_map begins with, for good. <link.h> would bring hundreds of macros.
struct LoadedObject {
  std::uintptr_t address;
  const char* name;
};

}  // namespace posix

inline bool System::keep_loaded(const void* address) noexcept {
  Dl_info info{};
  void* found = nullptr;
  if (&posix::weak_dladdr1 == nullptr || &posix::weak_dlopen == nullptr) return false;
  if (posix::weak_dladdr1(address, &info, &found, RTLD_DL_LINKMAP) == 0) return false;
  const char* const name = static_cast<const posix::LoadedObject*>(found)->name;
  return *name != '\0' && posix::weak_dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}
#else
/// musl never unloads; elsewhere a program has to keep its libraries itself.
inline bool System::keep_loaded(const void*) noexcept { return false; }
#endif

#if defined(__ELF__)
inline void System::add_leak_root(std::byte* begin, std::size_t bytes) noexcept {
  if (&__lsan_register_root_region != nullptr) __lsan_register_root_region(begin, bytes);
}
inline void System::remove_leak_root(std::byte* begin, std::size_t bytes) noexcept {
  if (&__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(begin, bytes);
}
#else
inline void System::add_leak_root(std::byte*, std::size_t) noexcept {}
inline void System::remove_leak_root(std::byte*, std::size_t) noexcept {}
#endif

#if defined(__x86_64__) && defined(__linux__)
inline std::uintptr_t System::ask_valgrind(const volatile std::uintptr_t (&arguments)[6]) noexcept {
  std::uintptr_t answer = 0;
  __asm__ volatile("rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi; xchgq %%rbx, %%rbx"
                   : "+d"(answer)
                   : "a"(&arguments[0])
                   : "cc", "memory");
  return answer;
}
#else
inline std::uintptr_t System::ask_valgrind(const volatile std::uintptr_t (&)[6]) noexcept { return 0; }
#endif

#if FLUX_THREAD_POINTER
// Volatile: a coroutine may go on on another thread.
[[gnu::always_inline]] inline std::uintptr_t System::thread_pointer() noexcept {
  std::uintptr_t self;
  __asm__ volatile("mov %%fs:0, %0" : "=r"(self));
  return self;
}
#endif

}  // namespace flux::inline FLUX_ABI::detail

#endif
