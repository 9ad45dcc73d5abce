#pragma once

#include <flux/detail/base/Config.hpp>

#include <cstdint>

#include <flux/detail/base/Count.hpp>

namespace flux::inline FLUX_ABI::detail {

struct BufferCount {
  std::uint64_t gets = 0;
  std::uint64_t puts = 0;
  std::uint64_t misses = 0;

  std::uint64_t in_use() const noexcept { return gets - puts; }
};

// One line for all threads.
class BufferCounts {
 public:
  void count_get(bool) noexcept { gets_.add_shared(1); }
  void count_put() noexcept { puts_.add_shared(1); }
  BufferCount sum() const noexcept { return {gets_, puts_, 0}; }

 private:
  Count<std::uint64_t> gets_;
  Count<std::uint64_t> puts_;
};

}  // namespace flux::inline FLUX_ABI::detail
