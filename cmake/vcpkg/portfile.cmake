# For an overlay: vcpkg install flux --overlay-ports=cmake/vcpkg. In a registry it would fetch the sources instead.
set(VCPKG_BUILD_TYPE release)  # headers alone
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../.." ABSOLUTE)

vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -DFLUX_BUILD_TESTS=OFF -DFLUX_BUILD_BENCHMARKS=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH share/cmake/flux)
vcpkg_fixup_pkgconfig()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")  # vcpkg has another place for the licence
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
