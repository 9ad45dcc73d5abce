#pragma once

#if __cplusplus < 202002L
#error "flux needs C++20: compile with -std=c++20 or later"
#endif

// The macros that the code of flux asks, all of them, each always defined to 0 or 1.

/// 1 where the code may become a part of a shared library on a system whose thread pointer flux knows how to read.
#if defined(__PIC__) && !defined(__PIE__) && defined(__x86_64__) && defined(__linux__)
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

/// 1 when the global sized `operator delete` may be called.
#if defined(__cpp_sized_deallocation)
#define FLUX_SIZED_DELETE 1
#else
#define FLUX_SIZED_DELETE 0
#endif
