# The target amalgamation: all of flux/flux.hpp in one file, amalgamation/flux.hpp in the build folder.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  return()
endif()

set(flux_amalgamation "${PROJECT_BINARY_DIR}/amalgamation/flux.hpp")
file(GLOB_RECURSE flux_amalgamated CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/flux/*.hpp")
add_custom_command(OUTPUT "${flux_amalgamation}"
  COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/cmake/amalgamate.py" "${flux_amalgamation}"
  DEPENDS cmake/amalgamate.py LICENSE ${flux_amalgamated} VERBATIM)
add_custom_target(amalgamation DEPENDS "${flux_amalgamation}")
