// The model of an allocator: what is handed out, how much, and what is written there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "fuzz/Contents.hpp"
#include "fuzz/Input.hpp"

namespace flux::test::fuzz {

/// All blocks that are handed out. Origin: what a target knows besides of where one came from.
template <class Origin>
class Blocks {
 public:
  struct Block {
    std::byte* address;
    std::size_t bytes;
    std::uint64_t mark;
    Origin origin;
  };

  std::size_t size() const noexcept { return blocks_.size(); }
  bool is_empty() const noexcept { return blocks_.empty(); }
  const std::vector<Block>& all() const noexcept { return blocks_; }

  /// Enters what was handed out just now, and fills it.
  void enter(void* given, std::size_t bytes, std::size_t alignment, const Origin& origin) {
    auto* const address = static_cast<std::byte*>(given);
    expect(address != nullptr, "nullptr was handed out");
    expect(is_aligned(address, alignment), "what was handed out is not aligned");
    const std::size_t taken = std::max<std::size_t>(bytes, 1);
    const auto next = by_address_.lower_bound(address);
    expect(next == by_address_.end() || address + taken <= next->first, "blocks overlap");
    expect(next == by_address_.begin() || std::prev(next)->first + std::prev(next)->second <= address,
           "blocks overlap");
    by_address_.emplace_hint(next, address, taken);
    blocks_.push_back({address, bytes, ++marks_, origin});
    fill(address, bytes, marks_);
  }

  /// Takes out the n-th, modulo how many there are: to be freed. Requires that there is one.
  Block take(std::size_t n) {
    std::swap(blocks_[n % blocks_.size()], blocks_.back());
    const Block block = blocks_.back();
    blocks_.pop_back();
    by_address_.erase(block.address);
    expect_intact(block);
    return block;
  }

  /// Takes out all that `is_meant(block)`, newest first.
  template <class IsMeant>
  std::vector<Block> take_all(IsMeant is_meant, std::size_t most = SIZE_MAX) {
    std::vector<Block> taken;
    for (std::size_t i = blocks_.size(); i-- != 0 && taken.size() != most;)
      if (is_meant(std::as_const(blocks_[i]))) taken.push_back(take(i));
    return taken;
  }

  /// All are gone, unseen.
  void forget() noexcept {
    blocks_.clear();
    by_address_.clear();
  }

  void expect_all_intact() const {
    for (const Block& block : blocks_) expect_intact(block);
  }

 private:
  static void expect_intact(const Block& block) {
    expect(is_filled(block.address, block.bytes, block.mark), "a block was overwritten");
  }

  std::vector<Block> blocks_;
  std::map<std::byte*, std::size_t> by_address_;
  std::uint64_t marks_ = 0;
};

}  // namespace flux::test::fuzz
