#pragma once

#include <array>
#include <atomic>
#include <cstddef>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Settings.hpp>
#include <flux/detail/base/SizeClass.hpp>
#include <flux/detail/base/TypeName.hpp>
#include <flux/detail/heap/LocalBins.hpp>
#include <flux/detail/heap/ParkedBytes.hpp>

namespace flux::inline FLUX_ABI::detail {

// What the thread heaps of a domain have in common. A heap finds it by a pointer, because another copy of flux in the
// process, with settings of its own, may help with the heap.
struct DomainInfo {
  const char* name;  ///< for statistics
  Setting* retention_limit = &detail::retention_limit;
  ParkedBytes* parked_bytes = &detail::parked_bytes;
  /// Objects of other heaps that threads freed which had no heap of their own in the domain. By class, from the
  /// beginning on.
  alignas(128)
      std::array<std::atomic<std::size_t>, kSizeClasses> freed_elsewhere{};  // slow calls read what is above

  /// Counts such an object, which costs some nanoseconds.
  void count_freed_elsewhere(unsigned size_class) noexcept {
    // relaxed: a number by itself.
    freed_elsewhere[size_class].fetch_add(1, std::memory_order_relaxed);
  }
};

/// By what name statistics call a domain: the tag's.
template <class Domain>
struct DomainName {
  static constexpr const char* kText = kTypeName<Domain>.data();
};
template <>
struct DomainName<void> {
  static constexpr const char* kText = "default";
};

template <class Domain = void>
inline constinit DomainInfo domain_info{DomainName<Domain>::kText};

}  // namespace flux::inline FLUX_ABI::detail
