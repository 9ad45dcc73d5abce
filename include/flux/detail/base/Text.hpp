#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// Pieces of what flux writes for others to read. Streams' own formatting is not asked: it depends on their flags, width
// and locale. Throw std::bad_alloc.

/// A text between double quotes, for JSON and for Prometheus, which agree on these.
inline std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(c) < ' ') {
      result += '?';
    } else {
      result += c;
    }
  }
  return result += '"';
}

/// A text within a line.
inline std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  }
  return result;
}

inline std::string hexadecimal(const void* address) {
  std::string digits;
  for (auto rest = reinterpret_cast<std::uintptr_t>(address); rest != 0 || digits.empty(); rest /= 16)
    digits.insert(digits.begin(), "0123456789abcdef"[rest % 16]);
  return "0x" + digits;
}

}  // namespace flux::inline FLUX_ABI::detail
