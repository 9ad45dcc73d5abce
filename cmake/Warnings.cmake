# flux_enable_warnings(TARGET): the warnings that every source of the project compiles without.
option(FLUX_WARNINGS_AS_ERRORS "Stop at the first warning in tests and benchmarks" OFF)

function(flux_enable_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
  if(FLUX_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What the sanitizers weave in makes g++ 12 take members of the standard library for uninitialised.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
  endif()
  if(FLUX_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
