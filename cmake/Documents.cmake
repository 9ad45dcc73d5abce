# flux_find_documents(RESULT): all documents, but for the results of benchmarks, whose tables a program writes.
function(flux_find_documents result)
  set(root "${PROJECT_SOURCE_DIR}")
  file(GLOB documents CONFIGURE_DEPENDS "${root}/*.md" "${root}/bench/*.md" "${root}/cmake/*.md")
  file(GLOB_RECURSE inside CONFIGURE_DEPENDS "${root}/include/*.md" "${root}/test/*.md")
  set(${result} ${documents} ${inside} PARENT_SCOPE)
endfunction()
