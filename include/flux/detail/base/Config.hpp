#pragma once

// The macros of flux, all of them, each always defined to 0 or 1.

/// 1 when the global sized `operator delete` may be called.
#if defined(__cpp_sized_deallocation)
#define FLUX_SIZED_DELETE 1
#else
#define FLUX_SIZED_DELETE 0
#endif
