# Looks for what tests and benchmarks need; what is missing is named with its Debian package.

function(flux_missing what package)
  message(FATAL_ERROR "flux: ${what} not found. On Debian and Ubuntu: sudo apt-get install ${package}\n"
    "(or leave it out: -DFLUX_BUILD_TESTS=OFF, -DFLUX_BUILD_BENCHMARKS=OFF)")
endfunction()

# flux_require_header(HEADER PACKAGE)
function(flux_require_header header package)
  string(MAKE_C_IDENTIFIER "FLUX_HAS_${header}" found)
  find_path(${found} "${header}")
  mark_as_advanced(${found})
  if(NOT ${found})
    flux_missing("<${header}>" ${package})
  endif()
endfunction()

# flux_require_package(NAME PACKAGE [COMPONENTS ...]): find_package, with the Debian package in the message.
macro(flux_require_package name package)
  find_package(${name} QUIET ${ARGN})
  if(NOT ${name}_FOUND)
    flux_missing("${name}" ${package})
  endif()
endmacro()
