# The target docs: the reference of the public headers, with the README as its first page, in docs/html of the build folder.
# Only where Doxygen is installed.
find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  configure_file(docs/Doxyfile.in docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND Doxygen::doxygen "${PROJECT_BINARY_DIR}/docs/Doxyfile" COMMENT "docs/html/index.html" VERBATIM)
endif()
