// How blocks of slots are cut: for every size and alignment, objects lie aligned and apart from all else.
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/detail/handle/SlotBlock.hpp>
#include <flux/detail/handle/SlotDepot.hpp>

BOOST_AUTO_TEST_SUITE(block_of_slots)

namespace {

using namespace flux::detail;

struct Kind {
  std::size_t size, alignment;
  BlockShape shape = BlockShape::of(size, alignment);
};

constexpr Kind kKinds[] = {{1, 1},         {2, 2},         {4, 4},       {8, 8},       {24, 8},
                           {40, 8},        {16, 16},       {64, 64},     {192, 64},    {1000, 8},
                           {4096, 4096},   {12'288, 4096}, {100'000, 8}, {1 << 18, 8}, {(1 << 18) + 8, 8},
                           {1 << 20, 4096}};
constexpr BlockShape kUsual = BlockShape::of(24, 8);

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_block_has_a_power_of_two_of_slots_and_whole_magazines) {
  for (const auto& [size, alignment, shape] : kKinds) {
    BOOST_TEST(std::has_single_bit(shape.slots));
    BOOST_TEST(shape.slots <= kMostSlots);
    BOOST_TEST(shape.in_magazine >= 1u);
    BOOST_TEST(shape.in_magazine <= BlockShape::kMostInMagazine);
    BOOST_TEST(shape.slots % shape.in_magazine == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_block_of_small_objects_is_small_and_large_objects_come_one_by_one) {
  for (const auto& [size, alignment, shape] : kKinds) {
    BOOST_TEST((shape.slots == 1 || shape.slots * shape.stride <= BlockShape::kMostObjectBytes));
  }
  static_assert(BlockShape::of(24, 8).slots == 1024 && BlockShape::of(24, 8).bytes <= 42 * 1024);
  static_assert(BlockShape::of(1 << 20, 8).slots == 1);
}

BOOST_AUTO_TEST_CASE(header_words_magazines_and_objects_lie_apart_and_objects_aligned) {
  for (const auto& [size, alignment, shape] : kKinds) {
    void* const memory = SlotBlock::allocate(shape);
    SlotBlock* const block = SlotBlock::create(memory, shape, 9, 5);
    const void* const words_end = &block->word(shape.slots - 1) + 1;
    BOOST_TEST(address(words_end) <= address(block->at(shape.magazines)));
    BOOST_TEST(shape.magazines + shape.slots / shape.in_magazine * shape.magazine_bytes() <= shape.objects);
    BOOST_TEST(shape.objects + shape.slots * shape.stride <= shape.bytes);
    BOOST_TEST(address(block->object(0, shape)) % alignment == 0u);
    BOOST_TEST(shape.stride % alignment == 0u);
    std::memset(block->at(shape.objects), 0xff, shape.slots * shape.stride);  // the sanitizers watch
    for (std::uint32_t slot = 0; slot != shape.slots; ++slot)
      BOOST_TEST(block->word(slot).load() == slot_word(5, kNoSlot));
    SlotBlock::deallocate(memory, shape);
  }
}

BOOST_AUTO_TEST_CASE(the_next_generation_is_above_every_one_that_was_used) {
  const BlockShape& shape = kUsual;
  void* const memory = SlotBlock::allocate(shape);
  SlotBlock* const block = SlotBlock::create(memory, shape, 9, 5);
  BOOST_TEST(block->next_generation(shape) == 5u);
  block->word(700).store(slot_word(9, kNoSlot));
  block->word(3).store(slot_word(7, kNoSlot));
  BOOST_TEST(block->next_generation(shape) == 9u);
  block->word(4).store(slot_word(0, kNoSlot));  // retired: it has used them all
  BOOST_TEST(block->next_generation(shape) == kLastGeneration + 1);
  SlotBlock::deallocate(memory, shape);
}

BOOST_AUTO_TEST_CASE(the_depot_hands_out_all_slots_of_a_block_in_order_and_each_once) {
  for (const auto& [size, alignment, shape] : kKinds) {
    SlotDepot depot(shape);
    void* const memory = SlotBlock::allocate(shape);
    depot.add(SlotBlock::create(memory, shape, 9, 5));
    SlotWord words[1 + BlockShape::kMostInMagazine];
    auto* const magazine = ::new (static_cast<void*>(words)) Magazine;
    for (std::uint32_t slot = 0; slot != shape.slots;) {
      BOOST_REQUIRE(depot.fill(*magazine));
      for (std::uint32_t i = shape.in_magazine; i-- != 0; ++slot)
        BOOST_TEST(magazine->words()[i] == slot_word(5, std::uint32_t{9} << kSlotBits | slot));
    }
    BOOST_TEST(!depot.fill(*magazine));
    BOOST_TEST((depot.take_full(magazine) == nullptr));
    SlotBlock::deallocate(memory, shape);
  }
}

BOOST_AUTO_TEST_CASE(the_depot_has_an_empty_magazine_for_each_that_it_filled) {
  const BlockShape& shape = kUsual;
  SlotDepot depot(shape);
  void* const memory = SlotBlock::allocate(shape);
  depot.add(SlotBlock::create(memory, shape, 9, 5));
  SlotWord words[2][1 + BlockShape::kMostInMagazine];
  Magazine* mine = ::new (static_cast<void*>(words[0])) Magazine;
  const std::uint32_t magazines = shape.slots / shape.in_magazine;
  for (std::uint32_t i = 0; i != magazines; ++i) {
    BOOST_REQUIRE(depot.fill(*mine));
    mine = depot.take_empty(mine);
    BOOST_REQUIRE((mine != nullptr));
  }
  std::size_t free = 0;
  depot.for_each_word([&](SlotWord) { ++free; });
  BOOST_TEST(free == shape.slots);
  BOOST_TEST(depot.is_valid());
  for (std::uint32_t i = 0; i != magazines; ++i) {
    mine = depot.take_full(mine);
    BOOST_REQUIRE((mine != nullptr));
  }
  BOOST_TEST((depot.take_full(mine) == nullptr));
  BOOST_TEST(depot.is_valid());
  SlotBlock::deallocate(memory, shape);
}

BOOST_AUTO_TEST_CASE(a_depot_that_lost_a_magazine_is_not_valid) {
  const BlockShape& shape = kUsual;
  SlotDepot depot(shape);
  void* const memory = SlotBlock::allocate(shape);
  SlotBlock* const block = SlotBlock::create(memory, shape, 9, 5);
  depot.add(block);
  SlotWord words[1 + BlockShape::kMostInMagazine];
  BOOST_REQUIRE(depot.fill(*::new (static_cast<void*>(words)) Magazine));
  BOOST_TEST(depot.is_valid());
  block->fresh += shape.in_magazine;
  BOOST_TEST(!depot.is_valid());
  SlotBlock::deallocate(memory, shape);
}

BOOST_AUTO_TEST_SUITE_END()
