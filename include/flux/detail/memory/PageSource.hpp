#pragma once

#include <cstddef>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/base/Tools.hpp>

namespace flux::inline FLUX_ABI::detail {

// Every call to the system for memory goes through this table, so that a test can make the n-th call fail.

struct PageSource {
  /// Address space of `bytes` aligned to `alignment`, inaccessible and free of charge; nullptr when there is
  /// none.
  std::byte* (*reserve)(std::size_t bytes, std::size_t alignment) noexcept;
  /// Gives reserved address space back.
  void (*release)(std::byte* begin, std::size_t bytes) noexcept;
  /// Makes reserved pages readable and writable, zero at first touch; false when the system refuses.
  bool (*commit)(std::byte* begin, std::size_t bytes) noexcept;
  /// Says, before the release, that pages are no longer used which were committed as one.
  void (*uncommit)(std::byte* begin, std::size_t bytes) noexcept;
  /// Asks for small (false) or huge (true) pages in reserved space: advice, which may come to nothing.
  void (*advise_huge)(std::byte* begin, std::size_t bytes, bool huge) noexcept;
  /// Makes committed pages resident, whatever they hold; false when memory is out.
  bool (*populate)(std::byte* begin, std::size_t bytes) noexcept;
  /// Gives the memory of committed pages back: they stay committed, and hold zeros, or what they held.
  void (*discard)(std::byte* begin, std::size_t bytes) noexcept;
  /// The most address space the process may have, in bytes.
  std::size_t (*address_limit)() noexcept;
  /// What all of these take whole numbers of, in bytes.
  std::size_t (*page_bytes)() noexcept;
};

namespace system_pages {

inline bool commit(std::byte* begin, std::size_t bytes) noexcept {
  if (!System::commit(begin, bytes)) return false;
  announce_no_object(begin, bytes);  // whatever lay at these addresses before
  System::add_leak_root(begin, bytes);
  return true;
}

inline void uncommit(std::byte* begin, std::size_t bytes) noexcept {
  announce_no_object(begin, bytes);  // to whoever has these addresses next
  System::remove_leak_root(begin, bytes);
}

}  // namespace system_pages

inline constexpr PageSource kSystemPages{System::reserve,        System::release,       system_pages::commit,
                                         system_pages::uncommit, System::advise_huge,   System::populate,
                                         System::discard,        System::address_limit, System::page_bytes};

/// The source in use. Tests replace it while one thread runs; nothing else writes it.
inline constinit PageSource page_source = kSystemPages;

}  // namespace flux::inline FLUX_ABI::detail
