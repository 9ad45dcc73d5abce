// Objects of any size, written from end to end: what they take is resident.
#pragma once

#include <cstddef>
#include <cstring>
#include <flux/Allocator.hpp>
#include <span>
#include <utility>

#include "support/ObjectSets.hpp"
#include "support/Random.hpp"

namespace flux::test {

template <std::size_t Bytes>
struct alignas(8) Block {
  std::byte bytes[Bytes];
};

template <std::size_t Bytes>
void* make_block() {
  void* const block = Allocator<Block<Bytes>>{}.allocate(1);
  return std::memset(block, 0x5A, Bytes);
}

template <std::size_t Bytes>
void drop_block(void* block) {
  Allocator<Block<Bytes>>{}.deallocate(static_cast<Block<Bytes>*>(block), 1);
}

template <std::size_t Bytes>
void make_blocks(std::span<void*> blocks) {
  for (void*& block : blocks) block = make_block<Bytes>();
}

template <std::size_t Bytes>
void drop_blocks(std::span<void* const> blocks) {
  for (void* const block : blocks) drop_block<Bytes>(block);
}

/// Moves `count` random ones, in random order, to the front.
inline std::span<void*> draw(std::span<void*> blocks, std::size_t count, Random& random) {
  for (std::size_t i = 0; i != count; ++i) std::swap(blocks[i], blocks[i + random.below(blocks.size() - i)]);
  return blocks.first(count);
}

}  // namespace flux::test
