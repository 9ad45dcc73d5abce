#pragma once

#if __cplusplus < 202002L
#error "flux needs C++20: compile with -std=c++20 or later"
#endif

// The macros that the code of flux asks, all of them, each always defined to 0 or 1; and FLUX_LAYOUT and FLUX_ABI.

// Found out:

/// 1 on Windows; else the system is taken for one of POSIX's.
#if defined(_WIN32)
#define FLUX_WINDOWS 1
#else
#define FLUX_WINDOWS 0
#endif

/// 1 where flux knows how to read the thread pointer.
#if defined(__x86_64__) && defined(__linux__)
#define FLUX_THREAD_POINTER 1
#else
#define FLUX_THREAD_POINTER 0
#endif

/// 1 where the code may become a part of a shared library, and the thread pointer can be read.
#if defined(__PIC__) && !defined(__PIE__) && FLUX_THREAD_POINTER
#define FLUX_SHARED_CODE 1
#else
#define FLUX_SHARED_CODE 0
#endif

/// 1 where ThreadSanitizer looks on.
#if defined(__SANITIZE_THREAD__)
#define FLUX_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLUX_THREAD_SANITIZER 1
#else
#define FLUX_THREAD_SANITIZER 0
#endif
#else
#define FLUX_THREAD_SANITIZER 0
#endif

/// 1 where AddressSanitizer looks on.
#if defined(__SANITIZE_ADDRESS__)
#define FLUX_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLUX_ADDRESS_SANITIZER 1
#else
#define FLUX_ADDRESS_SANITIZER 0
#endif
#else
#define FLUX_ADDRESS_SANITIZER 0
#endif

/// 1 when the global sized `operator delete` may be called.
#if defined(__cpp_sized_deallocation)
#define FLUX_SIZED_DELETE 1
#else
#define FLUX_SIZED_DELETE 0
#endif

// Set by a program, with the same value for all of its units (see settings.md beside flux.hpp):

/// 1 to have everything come from the program's `operator new`, for tools that replace it.
#ifndef FLUX_PASSTHROUGH
#define FLUX_PASSTHROUGH 0
#endif

/// 1 to have every wrong use of memory noticed where it happens, as far as that can be. Who compiles for AddressSanitizer
/// wants that, unless it is said to be 0.
#ifndef FLUX_CHECKED
#if FLUX_ADDRESS_SANITIZER && !FLUX_PASSTHROUGH
#define FLUX_CHECKED 1
#else
#define FLUX_CHECKED 0
#endif
#endif

/// 1 to have a function of the program's called with what the heaps do (see flux/Trace.hpp).
#ifndef FLUX_TRACE
#define FLUX_TRACE 0
#endif

#if (FLUX_CHECKED | FLUX_PASSTHROUGH | FLUX_TRACE) & ~1
#error "flux: FLUX_CHECKED, FLUX_PASSTHROUGH and FLUX_TRACE are 0 or 1"
#endif
#if FLUX_CHECKED && FLUX_PASSTHROUGH
#error "flux: FLUX_CHECKED looks at flux's own memory, which FLUX_PASSTHROUGH leaves out: set one of them"
#endif

/// The version of what flux keeps in memory, a digit. Other copies of flux in a process tell it by Region's magic numbers,
/// the linker by the namespace below.
#define FLUX_LAYOUT 7

/// The namespace that all names of flux lie in, inline, so that it needs no naming. It changes with the layout and with the
/// settings above: units that differ in these do not link where a function takes a container, and the name that is missing says
/// which kind of unit wants it; elsewhere each keeps to its own memory.
#define FLUX_JOIN_AS_THEY_ARE(version, kind, traced) abi_##version##kind##traced
#define FLUX_JOIN(version, kind, traced) FLUX_JOIN_AS_THEY_ARE(version, kind, traced)
#if FLUX_TRACE
#define FLUX_TRACED _traced
#else
#define FLUX_TRACED
#endif
#if FLUX_CHECKED && FLUX_ADDRESS_SANITIZER
#define FLUX_ABI FLUX_JOIN(FLUX_LAYOUT, _checked_asan, FLUX_TRACED)  // which is told of objects
#elif FLUX_CHECKED
#define FLUX_ABI FLUX_JOIN(FLUX_LAYOUT, _checked, FLUX_TRACED)
#elif FLUX_PASSTHROUGH
#define FLUX_ABI FLUX_JOIN(FLUX_LAYOUT, _passthrough, FLUX_TRACED)
#else
#define FLUX_ABI FLUX_JOIN(FLUX_LAYOUT, _plain, FLUX_TRACED)
#endif
