// The key by which threads are told of their end, made by whoever comes first.
#include "../Begin.hpp"

#include <flux/detail/heap/ThreadEnd.hpp>

#include "../End.hpp"

#include "../Reach.hpp"

namespace {

void end(void*) noexcept {}

using ThreadEnd = flux::detail::ThreadEnd<end>;

struct Key : model::Tag<Key, model::Atomic<std::uint64_t>*> {};

}  // namespace

template struct model::Reach<Key, &ThreadEnd::key_>;

namespace {

MODEL_SCENARIO(thread_end_threads_that_come_at_once_agree_on_a_key) {
  ModelKeys keys;
  model_keys = &keys;
  ::new (reach(Key{})) model::Atomic<std::uint64_t>(0);
  int argument = 0;
  const auto call = [&] { model::check(ThreadEnd::call(&argument), "a thread that is not told of its end"); };
  model::threads(call, call, call);
  unsigned there = 0;
  for (const bool is_there : keys.is_there) there += is_there ? 1u : 0u;
  model::check(there == 1, "there is more than one key, or none");
}

}  // namespace
