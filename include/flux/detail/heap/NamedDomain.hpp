#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Error.hpp>
#include <flux/detail/heap/DomainInfo.hpp>

namespace flux::inline FLUX_ABI::detail {

/// A string literal as a template argument.
template <std::size_t size>
struct Name {
  consteval Name(const char (&literal)[size]) noexcept {
    if (literal[size - 1] != '\0') die("no string literal");  // does not compile where it is reached
    std::copy_n(literal, size, text.begin());
  }

  std::array<char, size> text{};
};

/// The domain of the objects of one type and name.
template <class T, Name name>
struct NamedDomain {};

template <class T, Name name>
struct DomainName<NamedDomain<T, name>> {
  static constexpr auto kName = name;
  static constexpr const char* kText = kName.text.data();
};

}  // namespace flux::inline FLUX_ABI::detail
