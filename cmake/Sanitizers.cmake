# FLUX_SANITIZE: what -fsanitize= gets, for everything built here; the first finding ends the program.
set(FLUX_SANITIZE "" CACHE STRING "Sanitizers for tests and benchmarks, such as address,undefined or thread")

if(FLUX_SANITIZE)
  add_compile_options(-fsanitize=${FLUX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FLUX_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND FLUX_SANITIZE MATCHES "undefined")
    # A third of the time that g++ takes to compile the tests goes into these two; clang++ looks for them as well.
    add_compile_options(-fno-sanitize=null,alignment)
  endif()
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    add_compile_options("-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/sanitizers-ignore.txt")
  endif()
endif()
