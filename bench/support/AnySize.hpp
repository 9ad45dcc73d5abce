#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "support/Peer.hpp"
#include "support/Row.hpp"

namespace bench {

/// An object of one of several sizes, which it knows: for programs whose objects are of many types.
struct AnySize {
  std::uint32_t kind;
  std::uint32_t written;
};

inline constexpr std::array<std::size_t, 8> kSizesOfAny{16, 32, 40, 64, 96, 128, 256, 512};

template <std::size_t kKind>
struct OfKind : AnySize {
  std::byte rest[kSizesOfAny[kKind] - sizeof(AnySize)];
};

template <std::size_t kKind>
AnySize* make_of_kind() {
  Allocator<OfKind<kKind>> allocator;
  auto* const object = ::new (static_cast<void*>(allocator.allocate(1))) OfKind<kKind>;
  object->kind = kKind;
  object->written = 1;
  return object;
}

template <std::size_t kKind>
void drop_of_kind(AnySize* object) {
  Allocator<OfKind<kKind>> allocator;
  allocator.deallocate(static_cast<OfKind<kKind>*>(object), 1);
}

template <std::size_t... kKinds>
AnySize* make_any(Random& random, std::index_sequence<kKinds...>) {
  static constexpr std::array<AnySize* (*)(), sizeof...(kKinds)> kMakers{&make_of_kind<kKinds>...};
  return kMakers[random.below(sizeof...(kKinds))]();
}

template <std::size_t... kKinds>
void drop_any(AnySize* object, std::index_sequence<kKinds...>) {
  static constexpr std::array<void (*)(AnySize*), sizeof...(kKinds)> kDroppers{&drop_of_kind<kKinds>...};
  kDroppers[object->kind](object);
}

/// An object of a random size.
inline AnySize* make_any(Random& random) {
  return make_any(random, std::make_index_sequence<kSizesOfAny.size()>{});
}

/// nullptr is no object.
inline void drop_any(AnySize* object) {
  if (object != nullptr) drop_any(object, std::make_index_sequence<kSizesOfAny.size()>{});
}

}  // namespace bench
