# What cpack -G DEB makes of flux: a package of Debian's for those who compile with it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libflux-dev)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_CONTACT "The flux authors <authors@flux.invalid>")  # who hands packages out: cpack -D CPACK_PACKAGE_CONTACT=...
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION} (C++20 headers)")

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "flux::Allocator is an STL allocator for lists, maps, sets and other containers
of nodes. One object at a time comes from slab heaps that belong to the
calling thread, arrays come from operator new. Any thread may free what
another allocated.")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS libboost-container-dev)  # for flux/BoostMemoryResource.hpp

set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/package-folders.cmake")

# The licence has a name and a place of Debian's there.
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libflux-dev" RENAME copyright
  COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS
  "${PROJECT_BINARY_DIR};flux;Unspecified;/;${PROJECT_BINARY_DIR};flux;debian;/")

include(CPack)
