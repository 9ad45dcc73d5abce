// What a thread does at its very end.
#pragma once

#include <functional>

namespace flux::test {

/// Makes the calling thread call `farewell` when it ends, in the destructor of a thread-local object that is
/// constructed by the thread's first such call: thus after the destructors of all that are constructed later.
void at_thread_end(std::function<void()> farewell);

/// The same, but in the destructor of a pthread key, which comes after those of all thread-local objects.
void at_thread_end_after_thread_locals(std::function<void()> farewell);

}  // namespace flux::test
