# Builds and runs one consumer project in WORK_DIR, which is gone afterwards. HOW: installed, refused, no_settings,
# pkg_config, subdirectory or fetched; CHECKED: whether the project asks for a checked program.

function(run_or_fail)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  message(STATUS "${ARGN}\n${text}")
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "ended with ${result}")
  endif()
endfunction()

function(configure_consumer project)
  if(CHECKED)
    list(APPEND ARGN -DFLUX_CHECKED=ON)
  endif()
  run_or_fail("${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/${project}" -B "${WORK_DIR}/build"
    "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}" -DCMAKE_BUILD_TYPE=Release ${ARGN})
endfunction()

function(run_consumer program)
  if(CHECKED)
    run_or_fail("${program}" checked)
  else()
    run_or_fail("${program}")
  endif()
endfunction()

function(build_and_run_consumer)
  run_or_fail("${CMAKE_COMMAND}" --build "${WORK_DIR}/build")
  run_consumer("${WORK_DIR}/build/consumer")
endfunction()

function(install_flux)
  run_or_fail("${CMAKE_COMMAND}" --install "${FLUX_BINARY_DIR}" --prefix "${WORK_DIR}/prefix")
  file(GLOB_RECURSE headers RELATIVE "${FLUX_SOURCE_DIR}/include" "${FLUX_SOURCE_DIR}/include/flux/*.hpp")
  foreach(header IN LISTS headers)
    if(NOT EXISTS "${WORK_DIR}/prefix/include/${header}")
      message(FATAL_ERROR "${header} was not installed")
    endif()
  endforeach()
  file(GLOB_RECURSE installed LIST_DIRECTORIES true "${WORK_DIR}/prefix/include/*")
  foreach(path IN LISTS installed)
    file(GLOB_RECURSE headers "${path}/*.hpp")
    if(NOT path MATCHES "[.]hpp$" AND NOT headers)
      message(FATAL_ERROR "${path} was installed, and is neither a header nor a folder of some")
    endif()
  endforeach()
endfunction()

# expect_refusal(VERSION): whoever asks for that version does not get this one.
function(expect_refusal version)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/installed" -B "${WORK_DIR}/build"
      "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}" "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix" "-DWANTED_VERSION=${version}"
    RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  string(REPLACE "." "\\." quoted "${version}")
  if(result EQUAL 0 OR NOT text MATCHES "requested[ \n]+version[ \n]+\"${quoted}\"")
    message(FATAL_ERROR "version ${version} was not refused:\n${text}")
  endif()
endfunction()

function(expect_refusals)
  math(EXPR later_minor "${minor} + 1")
  math(EXPR later_major "${major} + 1")
  math(EXPR earlier_major "${major} - 1")
  foreach(version IN ITEMS ${major}.${later_minor} ${later_major}.0 ${earlier_major}.0)
    expect_refusal(${version})
  endforeach()
endfunction()

# expect_no_setting(TEXT ARGUMENT...): with these the project does not configure, and CMake says why.
function(expect_no_setting text)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/subdirectory" -B "${WORK_DIR}/build"
      "-DCMAKE_CXX_COMPILER=${CXX_COMPILER}" "-DFLUX_DIRECTORY=${FLUX_SOURCE_DIR}" ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(result EQUAL 0 OR NOT said MATCHES "${text}")
    message(FATAL_ERROR "${ARGN} was taken:\n${said}")
  endif()
endfunction()

# Compiles the program with what pkg-config says, after what was installed has been moved.
function(compile_with_pkg_config)
  file(RENAME "${WORK_DIR}/prefix" "${WORK_DIR}/moved")
  set(ENV{PKG_CONFIG_PATH} "${WORK_DIR}/moved/share/pkgconfig")
  run_or_fail("${PKG_CONFIG}" --exact-version=${VERSION} flux)
  execute_process(COMMAND "${PKG_CONFIG}" --cflags --libs flux COMMAND_ERROR_IS_FATAL ANY
    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  run_or_fail("${CXX_COMPILER}" -std=c++20 "${CMAKE_CURRENT_LIST_DIR}/main.cpp" -o "${WORK_DIR}/consumer" ${flags})
  run_consumer("${WORK_DIR}/consumer")
endfunction()

string(REPLACE "." ";" parts "${VERSION}")
list(POP_FRONT parts major minor)
file(REMOVE_RECURSE "${WORK_DIR}")
file(MAKE_DIRECTORY "${WORK_DIR}")

if(HOW STREQUAL "installed")
  install_flux()
  configure_consumer(installed "-DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix" "-DWANTED_VERSION=${major}.${minor}")
  build_and_run_consumer()
elseif(HOW STREQUAL "refused")
  install_flux()
  expect_refusals()
elseif(HOW STREQUAL "no_settings")
  foreach(setting IN ITEMS FLUX_CHECKED FLUX_PASSTHROUGH FLUX_TRACE)
    expect_no_setting("${setting} is ON or OFF, not 'maybe'" -D${setting}=maybe)
    file(REMOVE_RECURSE "${WORK_DIR}/build")
  endforeach()
  expect_no_setting("set one[ \n]+of them" -DFLUX_CHECKED=ON -DFLUX_PASSTHROUGH=ON)
elseif(HOW STREQUAL "pkg_config")
  install_flux()
  compile_with_pkg_config()
else()
  configure_consumer(${HOW} "-DFLUX_DIRECTORY=${FLUX_SOURCE_DIR}")
  build_and_run_consumer()
endif()

file(REMOVE_RECURSE "${WORK_DIR}")
