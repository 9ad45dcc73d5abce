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
// Memory checkers report who touches the slack at the access itself.
class Slack {
 public:
  /// The slack of a live object that has some.
  Slack(void* object, std::size_t stride) noexcept : end_(static_cast<unsigned char*>(object) + stride), stride_(stride) {}

  /// Requires bytes < stride.
  void write(std::size_t bytes) noexcept {
    const std::size_t slack = stride_ - bytes;
    std::memset(end_ - slack, kFreeByte, slack);
    end_[-1] = static_cast<unsigned char>(slack);
    if (slack < kLong) return;
    end_[-1] = static_cast<unsigned char>(kLong | slack % kLong);
    end_[-2] = static_cast<unsigned char>(slack / kLong);
  }

  /// The bytes that were asked for; the stride or more when somebody wrote over the slack. Requires that it is open to the
  /// caller.
  std::size_t asked_for() const noexcept {
    const bool is_long = end_[-1] >= kLong;
    const std::size_t slack = is_long ? end_[-2] * kLong + end_[-1] % kLong : end_[-1];
    if (slack == 0 || slack > stride_ || is_long != (slack >= kLong)) return stride_;
    const unsigned char* const code = end_ - (is_long ? 2 : 1);
    for (const unsigned char* at = end_ - slack; at != code; ++at)
      if (*at != kFreeByte) return stride_;
    return stride_ - slack;
  }

  /// The same for one that is closed, as the slack of live objects is.
  std::size_t asked_for_closed() const noexcept {
    unsigned char* const begin = end_ - stride_;
    open_free(begin, stride_);
    const std::size_t bytes = asked_for();
    close_free(begin + bytes, stride_ - bytes);
    return bytes;
  }

 private:
  static constexpr std::size_t kLong = 128;

  unsigned char* end_;
  std::size_t stride_;
};

static_assert(kLargestSmallObject <= 256 * 128, "two bytes say any slack");

}  // namespace flux::inline FLUX_ABI::detail
