# Installs the headers and what find_package(flux) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(flux_package_dir "${CMAKE_INSTALL_DATADIR}/cmake/flux")

configure_package_config_file(cmake/flux-config.cmake.in "${PROJECT_BINARY_DIR}/flux-config.cmake"
  INSTALL_DESTINATION "${flux_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/flux-config-version.cmake"
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

install(DIRECTORY include/flux DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.hpp")
install(TARGETS flux EXPORT flux-targets INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT flux-targets NAMESPACE flux:: DESTINATION "${flux_package_dir}")
install(FILES "${PROJECT_BINARY_DIR}/flux-config.cmake" "${PROJECT_BINARY_DIR}/flux-config-version.cmake"
  DESTINATION "${flux_package_dir}")

# For gdb: "info flux".
install(FILES cmake/gdb/flux-gdb.py DESTINATION "${CMAKE_INSTALL_DATADIR}/flux")
