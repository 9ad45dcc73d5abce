// What a thread does at its very end.
#pragma once

#include <functional>

namespace flux::test {

/// Makes the calling thread call `farewell` when it ends, after the destructors of all its thread-local
/// objects, in the destructor of a pthread key.
void at_thread_end_after_thread_locals(std::function<void()> farewell);

/// The same, but in the second round of those: after whatever else had its turn in the first, as flux has.
void at_thread_end(std::function<void()> farewell);

}  // namespace flux::test
