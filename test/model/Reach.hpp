#pragma once

namespace model {

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-template-friend"
#endif

// The address of a private static member, for tests that set it back: an explicit instantiation may name it.
//
//   struct Name : model::Tag<Name, T*> {};
//   template struct model::Reach<Name, &Class::member>;
//   reach(Name{}) is the address
template <class Name, class Pointer>
struct Tag {
  using Address = Pointer;
  friend constexpr Pointer reach(Name) noexcept;
};

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class Name, typename Name::Address address>
struct Reach {
  friend constexpr typename Name::Address reach(Name) noexcept { return address; }
};

}  // namespace model
