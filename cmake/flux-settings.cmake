# flux_apply_settings(TARGET): how a whole program takes flux, asked for in the same way where flux is a part of the build and
# where find_package finds it installed:
#
#   FLUX_CHECKED      ON or OFF: notice every misuse of memory where it happens; nothing: what the compiler's flags say
#   FLUX_PASSTHROUGH  ON: take all memory from operator new
#   FLUX_TRACE        ON: call a function of the program's with what the heaps do
#
# The units of a program must agree in all, so that they are variables for all targets, not targets to choose from.
function(flux_apply_settings target)
  foreach(setting IN ITEMS FLUX_CHECKED FLUX_PASSTHROUGH FLUX_TRACE)
    if(NOT "${${setting}}" MATCHES "^(|0|1|[Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo])$")
      message(FATAL_ERROR "flux: ${setting} is ON or OFF, not '${${setting}}'")
    endif()
  endforeach()
  if(FLUX_CHECKED AND FLUX_PASSTHROUGH)
    message(FATAL_ERROR "flux: FLUX_CHECKED looks at flux's own memory, which FLUX_PASSTHROUGH leaves out: set one of them")
  endif()
  set(definitions "")
  if(NOT "${FLUX_CHECKED}" STREQUAL "")
    list(APPEND definitions "$<BUILD_INTERFACE:FLUX_CHECKED=$<BOOL:${FLUX_CHECKED}>>")
  endif()
  foreach(setting IN ITEMS FLUX_PASSTHROUGH FLUX_TRACE)
    if(${setting})
      list(APPEND definitions "$<BUILD_INTERFACE:${setting}=1>")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES INTERFACE_COMPILE_DEFINITIONS "${definitions}")
endfunction()
