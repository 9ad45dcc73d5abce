# One ctest entry per top-level suite, named folder.suite and labelled with the folder; the suites of unit/
# once more under Valgrind, as valgrind.suite.

find_program(FLUX_VALGRIND valgrind)
mark_as_advanced(FLUX_VALGRIND)

# flux_top_level_suites(SOURCE RESULT): the names of the suites that no other suite of SOURCE encloses.
function(flux_top_level_suites source result)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
  file(STRINGS "${source}" lines REGEX "^ *BOOST_(AUTO|FIXTURE)_TEST_SUITE(_END)? *\\(")
  set(depth 0)
  set(suites "")
  foreach(line IN LISTS lines)
    if(line MATCHES "_TEST_SUITE_END")
      math(EXPR depth "${depth} - 1")
      continue()
    endif()
    if(depth EQUAL 0 AND line MATCHES "_TEST_SUITE *\\( *([A-Za-z0-9_]+)")
      list(APPEND suites "${CMAKE_MATCH_1}")
    endif()
    math(EXPR depth "${depth} + 1")
  endforeach()
  set(${result} "${suites}" PARENT_SCOPE)
endfunction()

function(flux_add_suite program folder suite)
  add_test(NAME ${folder}.${suite} COMMAND ${program} --run_test=${suite} --log_level=test_suite)
  set_tests_properties(${folder}.${suite} PROPERTIES LABELS "${folder};flux_test" TIMEOUT 120)
  if(folder STREQUAL "unit" AND FLUX_VALGRIND AND NOT FLUX_SANITIZE)
    add_test(NAME valgrind.${suite}
      COMMAND ${FLUX_VALGRIND} --quiet --error-exitcode=1
        "--suppressions=${CMAKE_CURRENT_SOURCE_DIR}/valgrind.supp" --leak-check=full --show-leak-kinds=definite
        --errors-for-leak-kinds=definite
        --fair-sched=yes $<TARGET_FILE:${program}> --run_test=${suite} --log_level=test_suite)
    set_tests_properties(valgrind.${suite} PROPERTIES LABELS valgrind TIMEOUT 300)
  endif()
endfunction()

function(flux_add_suites program)
  set(seen "")
  foreach(source IN LISTS ARGN)
    get_filename_component(folder "${source}" DIRECTORY)
    get_filename_component(folder "${folder}" NAME)
    flux_top_level_suites("${source}" suites)
    if(NOT suites)
      message(SEND_ERROR "flux: ${source} opens no test suite, ctest would not run it")
    endif()
    foreach(suite IN LISTS suites)
      if(suite IN_LIST seen)
        continue()
      endif()
      list(APPEND seen "${suite}")
      flux_add_suite(${program} ${folder} ${suite})
    endforeach()
  endforeach()
endfunction()
