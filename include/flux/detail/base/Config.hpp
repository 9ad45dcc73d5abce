#pragma once

#if __cplusplus < 202002L
#error "flux needs C++20: compile with -std=c++20 or later"
#endif

// The macros that the code of flux asks, all of them, each always defined to 0 or 1.

/// 1 when the global sized `operator delete` may be called.
#if defined(__cpp_sized_deallocation)
#define FLUX_SIZED_DELETE 1
#else
#define FLUX_SIZED_DELETE 0
#endif
