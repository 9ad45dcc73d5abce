// Work on other threads' heaps, and forks, which wait for it and keep it out.
#include "../Begin.hpp"

#include <flux/detail/heap/ForeignWork.hpp>

#include "../End.hpp"

#include "../Reach.hpp"

namespace {

using flux::detail::foreign_work;
using flux::detail::ForeignWork;
using flux::detail::ThreadHeap;

struct AtWorkOn : model::Tag<AtWorkOn, const ThreadHeap**> {};
struct Forks : model::Tag<Forks, std::uint32_t*> {};
struct Forked : model::Tag<Forked, long*> {};

}  // namespace

template struct model::Reach<AtWorkOn, &ForeignWork::at_work_on_>;
template struct model::Reach<Forks, &ForeignWork::forks_>;
template struct model::Reach<Forked, &ForeignWork::forked_>;

namespace {

void restart() {
  ::new (&foreign_work) ForeignWork;
  model::keep_apart(*reach(AtWorkOn{}));
  model::keep_apart(*reach(Forks{}));
  model::keep_apart(*reach(Forked{}));
}

void work_on(ThreadHeap& heap) {
  if (!foreign_work.begin(heap)) return;
  heap.content.set(heap.content.get() + 1);
  foreign_work.end();
}

/// A fork copies all memory: it looks at the heap.
void fork_and_look_at(const ThreadHeap& heap) {
  model_fork.prepare();
  static_cast<void>(heap.content.get());
  model_fork.parent();
}

MODEL_SCENARIO(foreign_work_a_fork_keeps_it_out) {
  restart();
  ThreadHeap heap;
  model::threads([&] { fork_and_look_at(heap); },
                 [&] {
                   work_on(heap);
                   work_on(heap);
                 });
  work_on(heap);
}

MODEL_SCENARIO(foreign_work_two_threads_fork) {
  restart();
  model::world.bound(3);
  ThreadHeap heap;
  model::threads([&] { fork_and_look_at(heap); }, [&] { fork_and_look_at(heap); }, [&] { work_on(heap); });
  const int before = heap.content.get();
  work_on(heap);
  model::check(heap.content.get() == before + 1, "a fork goes on for ever");
}

MODEL_SCENARIO(foreign_work_two_threads_are_at_work) {
  restart();
  model::world.bound(3);
  ThreadHeap one, other;
  model::threads(
      [&] {
        model_fork.prepare();
        static_cast<void>(one.content.get() + other.content.get());
        model_fork.parent();
      },
      [&] { work_on(one); }, [&] { work_on(other); });
}

}  // namespace
