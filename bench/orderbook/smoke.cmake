# What flux_orderbook prints and how it ends. cmake -DPROGRAM=<flux_orderbook> -DFOLDER=<for files> -P smoke.cmake

# expect(<exit code> <regex of stdout> <regex of stderr> <arguments>...)
function(expect code out err)
  execute_process(COMMAND "${PROGRAM}" ${ARGN} RESULT_VARIABLE found OUTPUT_VARIABLE stdout ERROR_VARIABLE stderr)
  if(NOT found STREQUAL code OR NOT stdout MATCHES "${out}" OR NOT stderr MATCHES "${err}")
    message(SEND_ERROR "flux_orderbook ${ARGN}: expected ${code} '${out}' '${err}',\n"
      "found ${found}\n${stdout}\n${stderr}")
  endif()
endfunction()

set(file "${FOLDER}/smoke_messages.csv")
set(good "34200.1,1,11,18,5853300,1\n34200.2,1,12,100,5853400,-1\n34200.3,4,11,8,5853300,1\n")

expect(0 "The books are the same: .*std/flux" "run 1 of 1" --generate 2000 --repeat 2 --runs 1)
expect(0 "\"same_book\": true.*\"peak_memory_kib\"" "" --generate 2000 --repeat 2 --runs 1 --json)
expect(0 "--messages FILE" "^$" --help)
expect(0 "first at their price" "^$" --generate 2000 --mix)

file(WRITE "${file}" "${good}")
expect(0 "3 messages, replayed 4 times.*: 2 orders in the end" "" --messages "${file}" --repeat 4 --runs 1)
file(WRITE "${file}" "${good}34200.4,3,11,-10,5853300,1\n")
expect(1 "^$" "smoke_messages.csv:4: column 4 \\(size\\): \"-10\" is negative\n$" --messages "${file}")
file(REMOVE "${file}")
expect(1 "^$" "smoke_messages.csv: No such file" --messages "${file}")
expect(2 "^$" "--repeat: \"x\" is not a whole number" --repeat x)
expect(2 "^$" "unknown argument \"-x\"" -x)
expect(2 "^$" "exclude each other" --messages "${file}" --generate 5)
