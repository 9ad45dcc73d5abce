#include "support/Kinds.hpp"

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

template <std::size_t... Index>
constexpr auto small_kinds(std::index_sequence<Index...>) {
  return std::array<Kind, sizeof...(Index)>{kind_of<Index + 1, 1>()...};
}

// Eight sizes per doubling from 256 bytes on, each with its neighbours.
constexpr std::size_t boundary(std::size_t index) { return (8 + index % 8 + 1) << (index / 8 + 5); }

template <std::size_t... Index>
constexpr auto boundary_kinds(std::index_sequence<Index...>) {
  return std::array<Kind, sizeof...(Index)>{kind_of<boundary(Index / 3) + Index % 3 - 1, 1>()...};
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

constexpr auto kBeyond = std::array{kind_of<33'000, 1>(), kind_of<36'864, 1>(), kind_of<40'000, 1>()};
constexpr auto kBySize = joined(small_kinds(std::make_index_sequence<320>{}),
                                boundary_kinds(std::make_index_sequence<7 * 8 * 3>{}), kBeyond);
constexpr auto kByAlignment = aligned_kinds(std::make_index_sequence<10>{});

}  // namespace

std::span<const Kind> kinds_by_size() { return kBySize; }
std::span<const Kind> kinds_by_alignment() { return kByAlignment; }

}  // namespace flux::test
