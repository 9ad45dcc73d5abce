#include "support/Kinds.hpp"

#include <algorithm>
#include <array>
#include <flux/Allocator.hpp>
#include <utility>

namespace flux::test {
namespace {

template <std::size_t Size, std::size_t Alignment>
struct alignas(Alignment) Block {
  std::byte bytes[Size];
};

template <std::size_t Size, std::size_t Alignment>
constexpr Kind kind_of() {
  using Type = Block<Size, Alignment>;
  return {sizeof(Type), alignof(Type),
          [](std::size_t count) -> void* { return flux::Allocator<Type>{}.allocate(count); },
          [](void* objects, std::size_t count) {
            flux::Allocator<Type>{}.deallocate(static_cast<Type*>(objects), count);
          }};
}

// The last size of each class, with its neighbours.
template <std::size_t... Index>
constexpr auto boundary_kinds(std::index_sequence<Index...>) {
  return std::array<Kind, sizeof...(Index)>{kind_of<detail::stride_of(Index / 3) + Index % 3 - 1, 1>()...};
}

template <std::size_t... Shift>
constexpr auto aligned_kinds(std::index_sequence<Shift...>) {
  return std::array{kind_of<1, 16 << Shift>()..., kind_of<(16 << Shift) * 2, 16 << Shift>()...,
                    kind_of<(16 << Shift) * 3, 16 << Shift>()...,
                    kind_of<(16 << Shift) * 7, 16 << Shift>()...};
}

template <std::size_t... Lengths>
constexpr auto joined(const std::array<Kind, Lengths>&... parts) {
  std::array<Kind, (Lengths + ...)> all{};
  std::size_t end = 0;
  (
      [&] {
        for (const Kind& kind : parts) all[end++] = kind;
      }(),
      ...);
  return all;
}

constexpr auto kFirst = std::array{kind_of<1, 1>(), kind_of<2, 1>(), kind_of<4, 1>(), kind_of<6, 1>()};
constexpr auto kBeyond = std::array{kind_of<33'000, 1>(), kind_of<36'864, 1>(), kind_of<40'000, 1>()};
constexpr auto kBySize = joined(
    kFirst, boundary_kinds(std::make_index_sequence<std::size_t{detail::kSmallClasses} * 3>{}), kBeyond);
constexpr auto kByAlignment = aligned_kinds(std::make_index_sequence<10>{});

}  // namespace

std::span<const Kind> kinds_by_size(std::size_t most_bytes) {
  const std::span<const Kind> all(kBySize);
  return all.first(
      static_cast<std::size_t>(std::ranges::upper_bound(all, most_bytes, {}, &Kind::size) - all.begin()));
}
std::span<const Kind> kinds_by_alignment() { return kByAlignment; }

}  // namespace flux::test
