// Included before all else, with -U__linux__: Linux as a system that has nothing which only Linux has.
#pragma once

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#undef MADV_DODUMP
#undef MADV_DONTDUMP
#undef MADV_HUGEPAGE
#undef MADV_NOHUGEPAGE
#undef MAP_NORESERVE
#undef RLIMIT_AS
#undef __GLIBC__
