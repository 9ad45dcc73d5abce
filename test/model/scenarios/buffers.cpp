// Buffers that outlive their pool: the last one takes the pool's tables along.
#include "../Begin.hpp"

#include <flux/BufferPool.hpp>

#include "../End.hpp"

namespace {

using flux::Buffer;
using flux::BufferPool;

MODEL_SCENARIO(buffers_the_last_one_ends_the_tables_of_a_pool_that_ended) {
  std::array<Buffer, 3> buffers;
  {
    BufferPool pool({.classes = {64}, .zeroing = flux::Zeroing::kNone});
    for (Buffer& buffer : buffers) buffer = pool.get(64);
  }
  model::threads([&] { buffers[0] = Buffer{}; }, [&] { buffers[1] = Buffer{}; },
                 [&] { buffers[2] = Buffer{}; });
}

}  // namespace
