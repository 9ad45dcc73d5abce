#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/OperatorNew.hpp>

namespace flux::inline FLUX_ABI::detail {

// What a heap instance has from the program's `operator new`, so that all of it can be given back at once: a list of
// blocks, each with its links and its figures just before the bytes that its user has.
//
//   first_ is the newest block, or nullptr;  block->next->previous == block
class LargeBlocks {
 public:
  LargeBlocks() noexcept = default;
  LargeBlocks(const LargeBlocks&) = delete;
  LargeBlocks& operator=(const LargeBlocks&) = delete;

  /// What a block for `bytes` takes in all; SIZE_MAX when that is more than there is.
  static std::size_t block_bytes(std::size_t bytes, std::size_t alignment) noexcept {
    constexpr auto kMost = static_cast<std::size_t>(PTRDIFF_MAX);
    const std::size_t before = bytes_before(alignment);
    const std::size_t some = bytes + (bytes == 0);  // an address of its own
    return before > kMost || some > kMost - before ? SIZE_MAX : before + some;
  }

  /// A block for `bytes`. Requires that block_bytes is not SIZE_MAX. Throws std::bad_alloc.
  void* allocate(std::size_t bytes, std::size_t alignment) {
    const std::size_t all = block_bytes(bytes, alignment);
    const std::size_t block_alignment = std::max(alignment, alignof(Header));
    auto* const begin = static_cast<std::byte*>(operator_new(all, block_alignment));
    std::byte* const user = begin + bytes_before(alignment);
    auto* const header = ::new (user - sizeof(Header)) Header{first_, nullptr, begin, all, block_alignment};
    if (first_ != nullptr) first_->previous = header;
    first_ = header;
    return user;
  }

  /// Frees a block; returns what it took in all.
  std::size_t deallocate(void* user) noexcept {
    auto* const header = reinterpret_cast<Header*>(static_cast<std::byte*>(user) - sizeof(Header));
    (header->previous == nullptr ? first_ : header->previous->next) = header->next;
    if (header->next != nullptr) header->next->previous = header->previous;
    return free(*header);
  }

  /// Frees all blocks; `freed(bytes)` is told what each took.
  template <class Freed>
  void deallocate_all(Freed freed) noexcept {
    while (first_ != nullptr) {
      Header* const header = first_;
      first_ = header->next;
      freed(free(*header));
    }
  }

  /// Whether an address is that of a block. Takes time with the blocks.
  bool holds(const void* user) const noexcept {
    const Header* block = first_;
    while (block != nullptr && block + 1 != user) block = block->next;
    return block != nullptr;
  }

  /// Whether the links agree.
  bool is_valid() const noexcept {
    const Header* previous = nullptr;
    for (const Header* block = first_; block != nullptr; previous = block, block = block->next)
      if (block->previous != previous) return false;
    return true;
  }

 private:
  struct Header {
    Header* next;
    Header* previous;
    void* begin;
    std::size_t bytes;
    std::size_t alignment;
  };

  static std::size_t free(Header& header) noexcept {
    const std::size_t bytes = header.bytes;
    operator_delete(header.begin, bytes, header.alignment);
    return bytes;
  }

  static std::size_t bytes_before(std::size_t alignment) noexcept {
    const std::size_t unit = std::max(alignment, alignof(std::max_align_t));
    return (sizeof(Header) + unit - 1) & ~(unit - 1);
  }

  Header* first_ = nullptr;
};

}  // namespace flux::inline FLUX_ABI::detail
