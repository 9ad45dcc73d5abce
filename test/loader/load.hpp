// Libraries of this folder, loaded.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "side.hpp"

inline void* load(const char* file, int flags) {
  void* const library = ::dlopen(file, RTLD_NOW | flags);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    std::_Exit(1);
  }
  return library;
}

inline const Side& side_of(void* library) {
  return *reinterpret_cast<GetSide>(::dlsym(library, "flux_test_side"))();
}
