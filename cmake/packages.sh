# Sourced by test/run and bench/run: finds what a build needs, and asks apt for what is missing when it may.
# shellcheck shell=bash

# Requirements are written kind:what:package, where kind says how to look for it.
# shellcheck disable=SC2034  # all three are read by the scripts that source this
requirements_to_build=(
  command:g++:g++
  command:cmake:cmake
  command:make:make
  command:python3:python3
  header:boost/container/list.hpp:libboost-dev
  header:benchmark/benchmark.h:libbenchmark-dev
)
requirements_to_test=(
  library:boost_unit_test_framework:libboost-test-dev
  library:boost_container:libboost-container-dev
  command:objdump:binutils
  command:pkg-config:pkg-config
)
# shellcheck disable=SC2034
requirements_to_test_all=(
  command:clang++:clang
  command:valgrind:valgrind
  clang_runtime::libclang-rt-dev
  command:doxygen:doxygen
  command:clang-format:clang-format
  command:clang-tidy:clang-tidy
  command:cppcheck:cppcheck
)

# What benchmarks can be compared with, pictures, and the debugger: done without where it cannot be had.
# shellcheck disable=SC2034
requirements_of_peers=(
  header:mimalloc.h:libmimalloc-dev
  header:jemalloc/jemalloc.h:libjemalloc-dev
  library_file:libtcmalloc_minimal.so.4:libtcmalloc-minimal4
  library_file:libtbbmalloc.so.2:libtbbmalloc2
  header:boost/pool/pool_alloc.hpp:libboost-dev
  library:boost_container:libboost-container-dev
  header:foonathan_memory/foonathan/memory/memory_pool.hpp:libfoonathan-memory-dev
)
# shellcheck disable=SC2034
requirements_of_pictures=(
  python:matplotlib:python3-matplotlib
)
# shellcheck disable=SC2034
requirements_of_debugging=(
  command:gdb:gdb
)

has_header() { echo "#include <$1>" | g++ -std=c++20 -E -x c++ - -o /dev/null 2>/dev/null; }

# links COMPILER OPTION...: whether it makes a program with these options.
links() {
  local output
  output=$(mktemp)
  echo 'int main() {}' | "$1" -x c++ - -o "$output" "${@:2}" 2>/dev/null
  local status=$?
  rm -f "$output"
  return "$status"
}

# python_with MODULE: the first interpreter that has it. Debian's own may be another than the one in the path.
python_with() {
  local python
  for python in python3 /usr/bin/python3; do
    "$python" -c "import $1" 2>/dev/null && echo "$python" && return 0
  done
  return 1
}

is_met() {
  local kind=${1%%:*} rest=${1#*:}
  case $kind in
    command) command -v "${rest%%:*}" >/dev/null ;;
    header) has_header "${rest%%:*}" ;;
    library) links g++ "-l${rest%%:*}" ;;
    library_file) links g++ "-l:${rest%%:*}" ;;
    file) [[ -e ${rest%%:*} ]] ;;
    option) links g++ "${rest%%:*}" ;;
    python) python_with "${rest%%:*}" >/dev/null ;;
    clang_runtime) links clang++ -fsanitize=thread ;;
  esac
}

# The sanitizers' runtime lies in a package with the version of clang in its name.
clang_runtime_package() {
  local major
  major=$(echo __clang_major__ | clang++ -E -P -x c++ - 2>/dev/null) || true
  echo "libclang-rt-${major:+$major-}dev"
}

package_of() {
  case $1 in
    clang_runtime:*) clang_runtime_package ;;
    *) echo "${1##*:}" ;;
  esac
}

# missing_packages REQUIREMENT...: one package a line.
missing_packages() {
  local requirement
  for requirement in "$@"; do
    is_met "$requirement" || package_of "$requirement"
  done
}

# Prints what apt must be run with ("sudo -n", or nothing for root); fails where it may not be run.
apt_prefix() {
  command -v apt-get >/dev/null || return 1
  [[ $(id -u) -eq 0 ]] && return 0
  command -v sudo >/dev/null && sudo -n true 2>/dev/null && echo "sudo -n"
}

install_packages() {
  local prefix
  prefix=$(apt_prefix) || return 1
  echo "installing: $*"
  # shellcheck disable=SC2086  # the prefix is two words or none
  {
    $prefix env DEBIAN_FRONTEND=noninteractive apt-get update -qq || true
    $prefix env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  }
}

# need REQUIREMENT...: returns when all are met; ends the script when that cannot be had.
need() {
  local missing
  for _ in 1 2; do # clang's runtime has a name only once clang is there
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -eq 0 ]] && return 0
    install_packages "${missing[@]}" || break
  done
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] && return 0
  echo "missing packages: sudo apt-get install ${missing[*]}" >&2
  exit 1
}

# want REQUIREMENT...: the same without an end; says what cannot be had.
want() {
  local missing
  local package
  for package in $(missing_packages "$@"); do # one by one: a name that apt does not know spoils no other
    install_packages "$package" || true
  done
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -eq 0 ]] || echo "going on without: ${missing[*]}"
}

# configure_preset PRESET [ARGUMENT...]: with Ninja where it is installed, in a build folder that is new.
configure_preset() {
  local preset=$1 generator=()
  shift
  if [[ ! -f out/$preset/CMakeCache.txt ]] && command -v ninja >/dev/null; then generator=(-G Ninja); fi
  cmake --preset "$preset" "${generator[@]}" "$@"
}
