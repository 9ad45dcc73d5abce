#pragma once

#include <cstddef>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Tools.hpp>
#include <flux/detail/slab/Marks.hpp>

namespace flux::inline FLUX_ABI::detail {

// What an object has beyond the bytes that were asked for, in a checked build: the pattern of free objects, and in the end
// how much it is, so that a free with another size is told apart within a class, and so is a write beyond the end.
//
//   object:  bytes asked for | pattern ... | code          the slack is pattern and code
//   code:    the slack in one byte when it is below 128; else in two, the last of which has its top bit set
//
// Memory checkers report who touches the slack at the access itself: to them it is closed, and only read here.
class Slack {
 public:
  Slack(void* object, std::size_t stride) noexcept
      : end_(static_cast<unsigned char*>(object) + stride), stride_(stride) {}

  /// Whether so many bytes leave a slack that can be told; else the object counts as whole.
  static bool is_told(std::size_t bytes, std::size_t stride) noexcept {
    return bytes < stride && stride - bytes < kLong * 256;
  }

  /// Requires that it is told, and the object open.
  void write(std::size_t bytes) noexcept {
    const std::size_t slack = stride_ - bytes;
    std::memset(end_ - slack, kFreeByte, slack);
    end_[-1] = static_cast<unsigned char>(slack);
    if (slack < kLong) return;
    end_[-1] = static_cast<unsigned char>(kLong | slack % kLong);
    end_[-2] = static_cast<unsigned char>(slack / kLong);
  }

  /// The bytes that were asked for; the stride when somebody wrote over the slack. Requires that some was written.
  __attribute__((no_sanitize("address"), noinline)) std::size_t asked_for() const noexcept {
    const Valgrind::Silence silence;
    const bool is_long = end_[-1] >= kLong;
    const std::size_t slack = is_long ? end_[-2] * kLong + end_[-1] % kLong : end_[-1];
    if (slack == 0 || slack > stride_ || is_long != (slack >= kLong)) return stride_;
    const unsigned char* const code = end_ - (is_long ? 2 : 1);
    for (const unsigned char* at = end_ - slack; at != code; ++at)
      if (*at != kFreeByte) return stride_;
    return stride_ - slack;
  }

 private:
  static constexpr std::size_t kLong = 128;

  unsigned char* end_;
  std::size_t stride_;
};

}  // namespace flux::inline FLUX_ABI::detail
