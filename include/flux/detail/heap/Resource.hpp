#pragma once

#include <cstddef>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/heap/Bytes.hpp>

namespace flux::inline FLUX_ABI::detail {

/// Whether two objects with virtual functions are of the same type.
///
/// Objects of one type begin with the address of one table, in the ABI of all compilers that flux supports. A
/// dynamic_cast would crash on an object from a unit without run-time types, and make the two kinds of units disagree.
/// Where libraries have tables of their own the answer is no, which for memory resources is always safe.
template <class Polymorphic>
bool is_same_type(const Polymorphic& left, const Polymorphic& right) noexcept {
  const void* tables[2];
  std::memcpy(&tables[0], static_cast<const void*>(&left), sizeof tables[0]);
  std::memcpy(&tables[1], static_cast<const void*>(&right), sizeof tables[1]);
  return tables[0] == tables[1];
}

// A polymorphic memory resource over the calling thread's heap in a domain, for a base class of the standard's
// interface. Stateless.
template <class Base, class Domain>
class Resource final : public Base {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    return allocate_bytes<Domain>(bytes, alignment);
  }

  void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
    deallocate_bytes<Domain>(p, bytes, alignment);
  }

  /// Whether what one allocates the other may free: true of all resources of this type.
  bool do_is_equal(const Base& other) const noexcept override { return is_same_type<Base>(*this, other); }
};

/// An instance that is there before any code runs, and never destroyed: static containers may use it to their end.
template <class Resource>
union Everlasting {
  constexpr Everlasting() noexcept : resource{} {}
  Everlasting(const Everlasting&) = delete;
  Everlasting& operator=(const Everlasting&) = delete;
  ~Everlasting() {}  // NOLINT(modernize-use-equals-default): that one would be deleted

  Resource resource;
};

template <class Resource>
inline constinit Everlasting<Resource> everlasting{};

}  // namespace flux::inline FLUX_ABI::detail
