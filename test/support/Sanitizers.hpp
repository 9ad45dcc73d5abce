// What the tests run under. Counts are scaled down there, memory bounds are not judged.
#pragma once

#include <cstddef>

#if defined(__has_feature)
#define FLUX_TEST_HAS_FEATURE(feature) __has_feature(feature)
#else
#define FLUX_TEST_HAS_FEATURE(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || FLUX_TEST_HAS_FEATURE(address_sanitizer)
#define FLUX_TEST_ASAN 1
#else
#define FLUX_TEST_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || FLUX_TEST_HAS_FEATURE(thread_sanitizer)
#define FLUX_TEST_TSAN 1
#else
#define FLUX_TEST_TSAN 0
#endif

#define FLUX_TEST_SANITIZED (FLUX_TEST_ASAN || FLUX_TEST_TSAN)

// Whether the compiler counts what is reached: `./test/run --coverage` says so.
#ifndef FLUX_TEST_COVERAGE
#define FLUX_TEST_COVERAGE 0
#endif

namespace flux::test {

/// Whether Valgrind runs this process (it preloads a library of its own).
bool is_under_valgrind() noexcept;

/// Whether something watches every access, so that resident memory says nothing about flux.
inline bool is_instrumented() noexcept { return FLUX_TEST_SANITIZED != 0 || is_under_valgrind(); }

/// `count`, or a tenth of it (at least one) where every access is watched.
inline std::size_t scaled(std::size_t count) noexcept { return is_instrumented() ? (count + 9) / 10 : count; }

}  // namespace flux::test
