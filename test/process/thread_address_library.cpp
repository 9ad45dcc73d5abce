#include <flux/flux.hpp>

#include "process/thread_address.hpp"

const Code library_code = {FLUX_SHARED_CODE != 0, [] { return flux::detail::allocate(kClass); },
                           [](void* object) { flux::detail::deallocate(object, kClass); }};
