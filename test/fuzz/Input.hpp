// The bytes of an input, as the numbers that a target asks for; and how a target says that something is wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flux::test::fuzz {

/// What a target found.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const char* otherwise) {
  if (!holds) throw Failure(otherwise);
}

/// Reads bytes from front to back; behind the end there are zeros.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> data) noexcept : data_(data) {}

  bool is_over() const noexcept { return data_.empty(); }

  std::uint8_t byte() noexcept {
    if (data_.empty()) return 0;
    const std::uint8_t first = data_.front();
    data_ = data_.subspan(1);
    return first;
  }

  /// A number of `bytes` bytes, the low ones first.
  std::uint64_t number(unsigned bytes) noexcept {
    std::uint64_t value = 0;
    for (unsigned i = 0; i != bytes; ++i) value |= std::uint64_t{byte()} << 8 * i;
    return value;
  }

  /// A number from 0 to limit - 1, of as few bytes as hold it. Requires limit > 0.
  std::size_t below(std::size_t limit) noexcept {
    unsigned bytes = 0;
    for (std::size_t most = limit - 1; most != 0; most >>= 8) ++bytes;
    return static_cast<std::size_t>(number(bytes) % limit);
  }

  /// From 1 on: most often a few, at times as many as `most`.
  std::size_t count(std::size_t most) noexcept {
    const std::size_t few = byte();
    const std::size_t wanted = few < 224 ? few / 16 : (few - 223) * 64;
    return 1 + wanted % most;
  }

  /// A size of any magnitude up to 2^most_bits - 1.
  std::size_t magnitude(unsigned most_bits) noexcept {
    const auto bits = static_cast<unsigned>(below(most_bits + 1));
    const std::uint64_t value = number((bits + 7) / 8);
    return bits == 0 ? 0 : static_cast<std::size_t>(value & (~std::uint64_t{0} >> (64 - bits)));
  }

  /// All that is left, as text.
  std::string_view text() noexcept {
    const std::span<const std::uint8_t> rest = data_;
    data_ = {};
    return {reinterpret_cast<const char*>(rest.data()), rest.size()};
  }

 private:
  std::span<const std::uint8_t> data_;
};

}  // namespace flux::test::fuzz
