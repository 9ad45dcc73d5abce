# Runs PROGRAM with an argument; it must abort and say why.
execute_process(COMMAND "${PROGRAM}" too-much RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT result MATCHES "[Aa]bort")
  message(FATAL_ERROR "${PROGRAM} did not abort but ended with '${result}': ${text}")
endif()
if(NOT text MATCHES "bad_array_new_length")
  message(FATAL_ERROR "${PROGRAM} aborted without naming the reason: '${text}'")
endif()
message(STATUS "aborted with: ${text}")
