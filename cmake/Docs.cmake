# The target docs: the reference of the public headers, with the README as its first page, in docs/html of the build folder.
find_package(Doxygen QUIET)
if(DOXYGEN_FOUND)
  include(cmake/Documents.cmake)
  flux_find_documents(flux_docs_input)
  list(TRANSFORM flux_docs_input REPLACE "(.+)" "\"\\1\"")
  list(JOIN flux_docs_input " " flux_docs_input)
  configure_file(cmake/Doxyfile.in docs/Doxyfile @ONLY)
  add_custom_target(docs COMMAND Doxygen::doxygen "${PROJECT_BINARY_DIR}/docs/Doxyfile" COMMENT "docs/html/index.html" VERBATIM)
else()
  add_custom_target(docs VERBATIM
    COMMAND ${CMAKE_COMMAND} -E echo "Doxygen is missing; on Debian and Ubuntu: sudo apt-get install doxygen"
    COMMAND ${CMAKE_COMMAND} -E false)
endif()
