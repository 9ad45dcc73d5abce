# Installs the headers, what find_package(flux) and pkg-config read, and the licence.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(flux_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/flux")

configure_package_config_file(cmake/flux-config.cmake.in "${PROJECT_BINARY_DIR}/flux-config.cmake"
  INSTALL_DESTINATION "${flux_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/flux-config-version.cmake"
  COMPATIBILITY SameMajorVersion ARCH_INDEPENDENT)

# flux.pc finds the headers from where it lies itself, so that what is installed can be moved.
set(flux_pc_dir "${CMAKE_INSTALL_DATADIR}/pkgconfig")
file(RELATIVE_PATH flux_prefix_from_pc "${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" flux_prefix_from_pc "${flux_prefix_from_pc}")
file(RELATIVE_PATH flux_include_from_prefix "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
configure_file(cmake/flux.pc.in "${PROJECT_BINARY_DIR}/flux.pc" @ONLY)

install(DIRECTORY include/flux DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp" PATTERN guides EXCLUDE)
install(TARGETS flux EXPORT flux-targets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT flux-targets NAMESPACE flux:: DESTINATION "${flux_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/flux-config.cmake" "${PROJECT_BINARY_DIR}/flux-config-version.cmake"
  cmake/flux-settings.cmake DESTINATION "${flux_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/flux.pc" DESTINATION "${flux_pc_dir}")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT licence)  # packages have places of their own for it

# For gdb: "info flux".
install(FILES cmake/gdb/flux-gdb.py DESTINATION "${CMAKE_INSTALL_DATADIR}/gdb")
