#pragma once

// Windows, with mingw-w64's compilers and its POSIX threads: System.hpp includes this.

#include <flux/detail/base/System.hpp>

#if FLUX_WINDOWS

#include <malloc.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>

struct _MEMORYSTATUSEX;
struct HINSTANCE__;

namespace flux::inline FLUX_ABI::detail {

// What <windows.h> declares, letter for letter, so that a program may include both. By itself that header would bring some
// thousand macros.
namespace windows {

using Size = std::conditional_t<sizeof(void*) == 8, unsigned long long, unsigned long>;

#define FLUX_OF_SYSTEM extern "C" __declspec(dllimport)
FLUX_OF_SYSTEM void* __stdcall VirtualAlloc(void*, Size, unsigned long, unsigned long);
FLUX_OF_SYSTEM int __stdcall VirtualFree(void*, Size, unsigned long);
FLUX_OF_SYSTEM int __stdcall VirtualUnlock(void*, Size);
FLUX_OF_SYSTEM int __stdcall ReadProcessMemory(void*, const void*, void*, Size, Size*);
FLUX_OF_SYSTEM int __stdcall GlobalMemoryStatusEx(_MEMORYSTATUSEX*);
FLUX_OF_SYSTEM unsigned long long __stdcall GetTickCount64();
FLUX_OF_SYSTEM void __stdcall Sleep(unsigned long);
FLUX_OF_SYSTEM int __stdcall SwitchToThread();
FLUX_OF_SYSTEM unsigned long __stdcall GetCurrentThreadId();
FLUX_OF_SYSTEM unsigned long __stdcall GetCurrentProcessId();
FLUX_OF_SYSTEM void* __stdcall GetCurrentProcess();
FLUX_OF_SYSTEM void* __stdcall OpenThread(unsigned long, int, unsigned long);
FLUX_OF_SYSTEM unsigned long __stdcall WaitForSingleObject(void*, unsigned long);
FLUX_OF_SYSTEM int __stdcall CloseHandle(void*);
FLUX_OF_SYSTEM int __stdcall GetModuleHandleExW(unsigned long, const wchar_t*, HINSTANCE__**);
#undef FLUX_OF_SYSTEM

// By their names in the system's documents.
inline constexpr unsigned long kMemCommit = 0x1000, kMemReserve = 0x2000, kMemRelease = 0x8000,
                               kMemReset = 0x80000;
inline constexpr unsigned long kPageNoAccess = 0x01, kPageReadWrite = 0x04;
inline constexpr unsigned long kSynchronize = 0x00100000, kWaitTimeout = 258;
inline constexpr unsigned long kModulePin = 0x1, kModuleFromAddress = 0x4;

/// What GlobalMemoryStatusEx fills in.
struct MemoryStatus {
  std::uint32_t length = sizeof(MemoryStatus);
  std::uint32_t load = 0;
  std::uint64_t total_physical = 0;
  std::uint64_t others[6] = {};
};

/// Before what System::allocate gives: what the C library gave.
struct Before {
  void* storage;
};

}  // namespace windows

inline std::size_t System::page_bytes() noexcept { return kLeastPageBytes; }

inline std::size_t System::physical_bytes() noexcept {
  windows::MemoryStatus status;
  if (windows::GlobalMemoryStatusEx(reinterpret_cast<_MEMORYSTATUSEX*>(&status)) == 0) return SIZE_MAX;
  return status.total_physical < SIZE_MAX ? static_cast<std::size_t>(status.total_physical) : SIZE_MAX;
}

inline std::size_t System::address_limit() noexcept { return SIZE_MAX; }

/// The system takes back only as a whole what it reserved: finds room for more, and reserves the aligned part of it, where
/// another thread may come first.
inline std::byte* System::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  constexpr int kMostTries = 100;
  for (int tries = 0; tries != kMostTries; ++tries) {
    void* const room =
        windows::VirtualAlloc(nullptr, bytes + alignment, windows::kMemReserve, windows::kPageNoAccess);
    if (room == nullptr) return nullptr;
    windows::VirtualFree(room, 0, windows::kMemRelease);
    const std::uintptr_t aligned =
        (reinterpret_cast<std::uintptr_t>(room) + alignment - 1) & ~(alignment - 1);
    auto* const begin = reinterpret_cast<std::byte*>(aligned);
    if (windows::VirtualAlloc(begin, bytes, windows::kMemReserve, windows::kPageNoAccess) != nullptr)
      return begin;
  }
  return nullptr;
}

inline void System::release(std::byte* begin, std::size_t) noexcept {
  windows::VirtualFree(begin, 0, windows::kMemRelease);
}

inline bool System::commit(std::byte* begin, std::size_t bytes) noexcept {
  return windows::VirtualAlloc(begin, bytes, windows::kMemCommit, windows::kPageReadWrite) != nullptr;
}

/// Pages that are huge have to be so from the beginning, by a right that few programs have.
inline void System::advise_huge(std::byte*, std::size_t, bool) noexcept {}

/// Atomic, and changes nothing: the pages may hold what other threads write.
inline bool System::populate(std::byte* begin, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += kLeastPageBytes)
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(begin + at), 0, __ATOMIC_RELAXED);
  return true;
}

/// Not decommitted: to have them back could fail. Unlocking pages that are not locked takes them out of the resident ones.
inline void System::discard(std::byte* begin, std::size_t bytes) noexcept {
  if (windows::VirtualAlloc(begin, bytes, windows::kMemReset, windows::kPageReadWrite) != nullptr)
    windows::VirtualUnlock(begin, bytes);
}

inline System::Look System::look_at(const void* from, void* to, std::size_t bytes) noexcept {
  const int is_done = windows::ReadProcessMemory(windows::GetCurrentProcess(), from, to, bytes, nullptr);
  return is_done != 0 ? Look::kDone : Look::kNothingThere;
}

/// The library's aligned memory does not go back by the function that takes all other: one way for all.
inline void* System::allocate(std::size_t bytes, std::size_t alignment) noexcept {
  using windows::Before;
  if (alignment < alignof(std::max_align_t)) alignment = alignof(std::max_align_t);
  if (bytes > SIZE_MAX - alignment - sizeof(Before)) return nullptr;
  void* const storage = std::malloc(bytes + alignment + sizeof(Before));
  if (storage == nullptr) return nullptr;
  const std::uintptr_t first = reinterpret_cast<std::uintptr_t>(storage) + sizeof(Before);
  auto* const p = reinterpret_cast<std::byte*>((first + alignment - 1) & ~(alignment - 1));
  reinterpret_cast<Before*>(p)[-1].storage = storage;
  return p;
}

inline void System::deallocate(void* p) noexcept {
  if (p != nullptr) std::free(static_cast<windows::Before*>(p)[-1].storage);
}

inline std::size_t System::usable_size(void* p) noexcept {
  if (p == nullptr) return 0;
  auto* const storage = static_cast<std::byte*>(static_cast<windows::Before*>(p)[-1].storage);
  return ::_msize(storage) - static_cast<std::size_t>(static_cast<std::byte*>(p) - storage);
}

inline long long System::milliseconds() noexcept { return static_cast<long long>(windows::GetTickCount64()); }
inline void System::yield() noexcept { windows::SwitchToThread(); }
inline void System::sleep() noexcept { windows::Sleep(1); }

inline long System::thread_id() noexcept { return static_cast<long>(windows::GetCurrentThreadId()); }

inline bool System::is_there(long thread_id) noexcept {
  void* const thread = windows::OpenThread(windows::kSynchronize, 0, static_cast<unsigned long>(thread_id));
  if (thread == nullptr) return false;
  const bool runs = windows::WaitForSingleObject(thread, 0) == windows::kWaitTimeout;
  windows::CloseHandle(thread);
  return runs;
}

inline long System::process_id() noexcept { return static_cast<long>(windows::GetCurrentProcessId()); }

inline bool System::tell_fork(void (*)(), void (*)(), void (*)()) noexcept { return true; }

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

inline bool System::keep_loaded(const void* address) noexcept {
  HINSTANCE__* module = nullptr;
  return windows::GetModuleHandleExW(windows::kModulePin | windows::kModuleFromAddress,
                                     static_cast<const wchar_t*>(address), &module) != 0;
}

inline void System::add_leak_root(std::byte*, std::size_t) noexcept {}
inline void System::remove_leak_root(std::byte*, std::size_t) noexcept {}
inline std::uintptr_t System::ask_valgrind(const volatile std::uintptr_t (&)[6]) noexcept { return 0; }

}  // namespace flux::inline FLUX_ABI::detail

#endif
