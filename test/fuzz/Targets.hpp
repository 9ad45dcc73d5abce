// What is fuzzed: bodies that take any bytes for a sequence of operations, and throw when flux does other than it says.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace flux::test::fuzz {

using Data = std::span<const std::uint8_t>;

void fuzz_allocator(Data data);    ///< every stateless face over the thread's heaps, and flux/Control.hpp
void fuzz_buffer_pool(Data data);  ///< pools of any classes, and what they give
void fuzz_engine(Data data);       ///< two thread heaps, their chains, and memory that runs out
void fuzz_handle_pool(Data data);  ///< pools, and handles of any bits
void fuzz_heap(Data data);         ///< heaps that go as a whole, their limits
void fuzz_lobster(Data data);      ///< the reader of order flows
void fuzz_settings(Data data);     ///< what an environment variable may say

}  // namespace flux::test::fuzz
