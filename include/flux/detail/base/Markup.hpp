#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// Pieces of what flux draws, as Text.hpp has them of what it writes. Throw std::bad_alloc.

struct Character {
  std::uint32_t code;
  std::size_t bytes;
};

/// What a text that is not empty begins with, taken for UTF-8; a question mark for a byte that begins no character of that, or
/// one that XML excludes.
inline Character first_character(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first < ' ' ? '?' : first, 1};
  const std::size_t bytes = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  std::uint32_t code = first & (0x7Fu >> bytes);
  bool is_good = first >= 0xC2 && first < 0xF5;
  for (std::size_t i = 1; i != bytes; ++i) {
    is_good = is_good && (byte(i) & 0xC0) == 0x80;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const std::uint32_t least = bytes == 2   ? 0x80
                              : bytes == 3 ? 0x800
                                           : 0x10000;  // or it is too long for what it says
  is_good = is_good && code >= least && code < 0x11'0000 && (code & 0xFFFF'F800) != 0xD800 &&
            (code & 0xFFFE) != 0xFFFE;
  return is_good ? Character{code, bytes} : Character{'?', 1};
}

/// A text as XML has it between tags and in attributes, ASCII alone: its first `most` characters, and dots for the rest.
inline std::string escaped(std::string_view text, std::size_t most = SIZE_MAX) {
  std::string result;
  for (; !text.empty() && most != 0; --most) {
    const auto [code, bytes] = first_character(text);
    text.remove_prefix(bytes);
    if (code < 0x80 && code != '<' && code != '>' && code != '&' && code != '"') {
      result += static_cast<char>(code);
    } else {
      ((result += "&#") += std::to_string(code)) += ';';
    }
  }
  return text.empty() ? result : result + "...";
}

/// A number for people: "12,345,678".
inline std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

/// "1 slab", "2,000 slabs".
inline std::string counted(std::uint64_t number, std::string_view what) {
  std::string result = grouped(number) + ' ';
  result += what;
  return number == 1 ? result : result + 's';
}

/// A number of bytes for people, in the largest unit of which there is one: "640 KiB", "1.5 MiB".
inline std::string in_bytes(std::uint64_t bytes) {
  static constexpr std::string_view kUnits[] = {" bytes", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  std::uint64_t tenths = bytes * 10;
  for (; tenths >= 10'240 && unit != 4; ++unit) tenths /= 1024;
  std::string result = grouped(tenths / 10);
  if (tenths % 10 != 0) (result += '.') += std::to_string(tenths % 10);
  return result += kUnits[unit];
}

}  // namespace flux::inline FLUX_ABI::detail
