// Objects that know whether they are whole, and of which it is known how many there are.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace flux::test {

class Tracked {
 public:
  explicit Tracked(std::uint64_t given = 0) noexcept : value(given), check_(~given) { ++made; }
  Tracked(const Tracked&) = delete;
  Tracked& operator=(const Tracked&) = delete;
  ~Tracked() {
    if (!is_intact()) ++damaged;
    check_ = value;  // not intact any more
    ++destroyed;
  }

  bool is_intact() const noexcept { return check_ == ~value; }

  static std::size_t alive() noexcept { return made - destroyed; }

  const std::uint64_t value;
  static inline std::atomic<std::size_t> made{0}, destroyed{0};
  static inline std::atomic<std::size_t> damaged{
      0};  ///< destroyed without being whole: overwritten, or twice

 private:
  std::uint64_t check_;
};

/// Starts counting anew.
struct FreshCounts {
  FreshCounts() noexcept { Tracked::made = Tracked::destroyed = Tracked::damaged = 0; }
};

}  // namespace flux::test
