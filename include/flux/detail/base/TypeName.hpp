#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// The name of a type, as the compiler writes it, without run-time type information.

/// From what the compiler calls this very function: T's name stands between "T = " and the last bracket, where g++
/// goes on to say what else the signature names.
template <class T>
constexpr std::string_view type_in_words() noexcept {
  constexpr std::string_view kWhole = __PRETTY_FUNCTION__;
  constexpr std::size_t kBegin = kWhole.find("T = ") + 4;
  constexpr std::size_t kEnd = std::min(kWhole.rfind("; std::string_view = "), kWhole.rfind(']'));
  return kWhole.substr(kBegin, kEnd - kBegin);
}

/// The same, ended by a null.
template <class T>
inline constexpr auto kTypeName = [] {
  constexpr std::string_view kWords = type_in_words<T>();
  std::array<char, kWords.size() + 1> name{};
  for (std::size_t i = 0; i != kWords.size(); ++i) name[i] = kWords[i];
  return name;
}();

}  // namespace flux::inline FLUX_ABI::detail
