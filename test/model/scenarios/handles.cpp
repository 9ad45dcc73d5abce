// Handles: objects that threads create, find and destroy by name, and the directory of the blocks they lie in.
#include "../Begin.hpp"

#include <flux/HandlePool.hpp>

#include "../End.hpp"

namespace {

using flux::Handle;
using flux::HandlePool;
using flux::detail::block_directory;
using flux::detail::BlockDirectory;
using flux::detail::local_thread;
using flux::detail::thread_number;
using flux::detail::thread_numbers;
using flux::detail::ThreadNumbers;

// So large that a block has four of them, and a run one: then nearly every operation visits the depot. Only its
// content is ever touched.
struct Object {
  explicit Object(int value) : content(value) {}
  model::Data<int> content;

 private:
  [[maybe_unused]] std::byte rest_[(64 << 10) - sizeof(model::Data<int>)];
};

using Pool = HandlePool<Object>;
using Name = Handle<Object>;

/// As when the program starts: no block, no number. The entries that a scenario comes by lie at the directory's
/// begin, its counters at its end.
void restart() {
  auto* const bytes = reinterpret_cast<std::byte*>(&block_directory);
  std::fill_n(bytes, 16 * sizeof(void*), std::byte{});
  std::fill_n(bytes + sizeof(BlockDirectory) - 16, 16, std::byte{});
  ::new (&thread_numbers) ThreadNumbers;
  thread_number = flux::detail::kNoThreadNumber;
  model::keep_apart(thread_number);
}

/// Looks at an object, if there is one of that name.
void look(Pool& pool, Name name) {
  if (Object* const object = pool.get(name))
    model::check(object->content.get() == 7, "an object whose content is not that which it was made with");
}

MODEL_SCENARIO(handles_an_object_is_visible_to_who_finds_it) {
  restart();
  Pool pool;
  model::Hint<std::uint64_t> name;
  model::threads([&] { name.tell(pool.create(7).to_bits()); },
                 [&] {
                   const std::uint64_t bits = name.ask();
                   if (bits != 0) look(pool, Name::from_bits(bits));
                 });
  model::check(pool.size() == 1 && pool.is_valid(), "an object was lost");
}

MODEL_SCENARIO(handles_an_object_is_visible_to_who_destroys_it) {
  restart();
  Pool pool;
  model::Hint<std::uint64_t> name;
  bool is_destroyed = false;
  static_cast<void>(pool.create(7));  // opens the block
  model::threads([&] { name.tell(pool.create(7).to_bits()); },
                 [&] {
                   const std::uint64_t bits = name.ask();
                   if (bits != 0) is_destroyed = pool.destroy(Name::from_bits(bits));
                 });
  model::check(pool.size() == (is_destroyed ? 1 : 2) && pool.is_valid(),
               "an object was lost, or is there twice");
}

MODEL_SCENARIO(handles_one_of_two_who_destroy_wins) {
  restart();
  Pool pool;
  const Name name = pool.create(7);
  std::array<int, 2> won{};
  bool was_there = false, is_there = false;
  model::threads([&] { won[0] = pool.destroy(name) ? 1 : 0; }, [&] { won[1] = pool.destroy(name) ? 1 : 0; },
                 [&] {
                   was_there = pool.contains(name);
                   is_there = pool.contains(name);
                 });
  model::check(won[0] + won[1] == 1, "not exactly one thread destroyed the object");
  model::check(was_there || !is_there, "an object that was gone came back");
  model::check(!pool.contains(name) && pool.empty() && pool.is_valid(), "the object is still there");
}

MODEL_SCENARIO(handles_a_name_does_not_mean_the_next_object_in_its_place) {
  restart();
  Pool pool;
  const Name name = pool.create(8);
  std::array<int, 2> won{};
  Name next;
  model::Hint<std::uint64_t> name_of_next;
  model::threads(
      [&] {
        won[0] = pool.destroy(name) ? 1 : 0;
        next = pool.create(7);
        name_of_next.tell(next.to_bits());
      },
      [&] { won[1] = pool.destroy(name) ? 1 : 0; },
      [&] {
        static_cast<void>(pool.contains(name));
        look(pool, Name::from_bits(name_of_next.ask()));
      });
  model::check(won[0] + won[1] == 1, "not exactly one thread destroyed the object");
  model::check(next != name && !pool.contains(name) && pool.size() == 1 && pool.is_valid(), "a stale name");
  look(pool, next);
}

MODEL_SCENARIO(handles_slots_go_from_thread_to_thread_by_the_depot) {
  restart();
  Pool pool;
  std::array<Name, 3> names;
  for (Name& name : names) name = pool.create(7);
  local_thread.end();
  Name other;
  model::threads(
      [&] {
        for (const Name name : names) pool.destroy(name);
      },
      [&] {
        other = pool.create(8);
        pool.destroy(other);
        other = pool.create(9);
      });
  model::check(pool.size() == 1 && pool.get(other)->content.get() == 9 && pool.is_valid(), "a slot was lost");
}

MODEL_SCENARIO(handles_slots_go_from_thread_to_thread_by_the_number) {
  restart();
  Pool pool;
  const Name name = pool.create(7);
  local_thread.end();
  const auto create_and_end = [&] {
    pool.destroy(name);
    static_cast<void>(pool.create(8));
    local_thread.end();
  };
  model::threads(create_and_end, create_and_end);
  model::check(pool.size() == 2 && pool.is_valid(), "a slot was lost");
}

MODEL_SCENARIO(handles_all_objects_are_visited_while_some_are_created) {
  restart();
  Pool pool;
  model::threads([&] { static_cast<void>(pool.create(7)); },
                 [&] {
                   pool.for_each([](Name, Object& object) {
                     model::check(object.content.get() == 7, "an object half made");
                   });
                 });
  model::check(pool.size() == 1 && pool.is_valid(), "an object was lost");
}

MODEL_SCENARIO(handles_two_threads_open_a_block_each_while_a_third_looks) {
  model::world.bound(1);
  restart();
  Pool pool;
  model::Hint<std::uint64_t> name;
  const auto create = [&] { name.tell(pool.create(7).to_bits()); };
  model::threads(create, create, [&] {
    const std::uint64_t bits = name.ask();
    if (bits != 0) look(pool, Name::from_bits(bits));
  });
  model::check(pool.size() == 2 && pool.is_valid(), "an object was lost");
}

// Numbers of blocks, with what belongs to whoever holds one.
struct Numbers {
  static constexpr std::uint32_t kMost = 2;
  std::array<model::Data<std::uint64_t>, kMost + 1> generations;
  std::array<int, kMost + 1> holders{};

  BlockDirectory::Number take() {
    const BlockDirectory::Number taken = block_directory.take();
    if (taken.number > kMost) return {0, 0};  // one that was never used: the others are all held
    model::check(++holders[taken.number] == 1, "two threads hold one number");
    const std::uint64_t known = generations[taken.number].get();
    model::check(known == 0 || known == taken.generation, "a number with the generation of a former time");
    return taken;
  }

  void put(BlockDirectory::Number taken) {
    if (taken.number == 0) return;
    --holders[taken.number];
    generations[taken.number].set(taken.generation + 1);
    block_directory.put(taken.number, taken.generation + 1);
  }

  /// Takes what is free, and checks that there is nothing else that nobody holds.
  void check_none_is_lost() {
    while (take().number != 0) {
    }
    for (std::uint32_t n = 1; n <= kMost; ++n) model::check(holders[n] == 1, "a number was lost");
  }
};

MODEL_SCENARIO(block_numbers_one_is_put_while_another_is_taken) {
  restart();
  Numbers numbers;
  const auto first = numbers.take(), second = numbers.take();
  numbers.put(first);
  model::threads([&] { numbers.put(second); }, [&] { numbers.put(numbers.take()); });
  numbers.check_none_is_lost();
}

MODEL_SCENARIO(block_numbers_a_head_that_went_and_came_back_is_told_from_one_that_stayed) {
  restart();
  Numbers numbers;
  const auto first = numbers.take(), second = numbers.take();
  numbers.put(first);
  numbers.put(second);
  model::threads(
      [&] {
        const auto one = numbers.take();
        numbers.take();
        numbers.put(one);
      },
      [&] { numbers.take(); });
  numbers.check_none_is_lost();
}

}  // namespace
