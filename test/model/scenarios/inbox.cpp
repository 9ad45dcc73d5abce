// A thread heap's inbox: chains that any thread posts and the owner takes.
#include "../Begin.hpp"

#include <flux/detail/heap/Inbox.hpp>

#include "../End.hpp"

namespace {

using flux::detail::Carrier;
using flux::detail::Inbox;
using flux::detail::ObjectRun;

// An object that is freed: a carrier in its first words, and what the poster left behind in it.
struct Object {
  Carrier carrier{nullptr, ObjectRun::none()};
  model::Data<int> content;
  int taken = 0;
};

/// Takes what was posted: each object once, its content and its link visible.
void take(Inbox& inbox) {
  for (Carrier* carrier = inbox.take_all(); carrier != nullptr; carrier = carrier->following()) {
    auto* const object = reinterpret_cast<Object*>(carrier);
    model::check(object->content.get() == 1, "an object whose content is not that which was posted");
    ++object->taken;
    object->content.set(2);  // the taker's now
  }
}

void post(Inbox& inbox, Object& object) {
  object.content.set(1);
  inbox.post_remote(&object.carrier, &object.carrier);
}

MODEL_SCENARIO(inbox_two_posters_and_a_taker) {
  Inbox inbox;
  std::array<Object, 2> objects;
  model::threads([&] { post(inbox, objects[0]); }, [&] { post(inbox, objects[1]); },
                 [&] {
                   take(inbox);
                   take(inbox);
                 });
  take(inbox);
  for (const Object& object : objects) model::check(object.taken == 1, "an object was lost, or came twice");
}

MODEL_SCENARIO(inbox_two_posters_of_two_and_a_taker) {
  model::world.bound(2);
  Inbox inbox;
  std::array<Object, 4> objects;
  const auto post_two = [&](std::size_t first) {
    post(inbox, objects[first]);
    post(inbox, objects[first + 1]);
  };
  model::threads([&] { post_two(0); }, [&] { post_two(2); },
                 [&] {
                   take(inbox);
                   take(inbox);
                 });
  take(inbox);
  for (const Object& object : objects) model::check(object.taken == 1, "an object was lost, or came twice");
}

MODEL_SCENARIO(inbox_an_object_that_is_posted_again_and_again) {
  Inbox inbox;
  Object object;
  model::threads([&] { post(inbox, object); },
                 [&] {
                   for (int i = 0; i != 2; ++i) {
                     Carrier* const taken = inbox.take_all();
                     if (taken == nullptr) continue;
                     model::check(object.content.get() == 1, "its content is not that which was posted");
                     ++object.taken;
                     post(inbox, object);
                   }
                 });
  Carrier* const last = inbox.take_all();
  model::check(last == &object.carrier && last->following() == nullptr, "the object was lost, or came twice");
}

// Runs that are posted by themselves.

bool post_alone(Inbox& inbox, Object& object, std::size_t turn = 0) {
  object.content.set(1);
  return inbox.try_post_remote(ObjectRun(&object, 0), turn);
}

void take_alone(Inbox& inbox) {
  inbox.take_runs([](ObjectRun run) {
    auto* const object = reinterpret_cast<Object*>(run.first());
    model::check(object->content.get() == 1, "an object whose content is not that which was posted");
    ++object->taken;
    object->content.set(2);
  });
}

MODEL_SCENARIO(inbox_two_posters_of_a_run_and_a_taker) {
  model::world.bound(2);
  Inbox inbox;
  std::array<Object, 2> objects;
  const auto post_one = [&](std::size_t index) {
    model::check(post_alone(inbox, objects[index]), "no place, of which there are several");
  };
  model::threads([&] { post_one(0); }, [&] { post_one(1); }, [&] { take_alone(inbox); });
  take_alone(inbox);
  for (const Object& object : objects) model::check(object.taken == 1, "an object was lost, or came twice");
}

MODEL_SCENARIO(inbox_a_run_that_is_posted_again_and_again) {
  model::world.bound(2);
  Inbox inbox;
  Object object;
  model::threads([&] { post_alone(inbox, object); },
                 [&] {
                   for (int i = 0; i != 2; ++i) {
                     const int before = object.taken;
                     take_alone(inbox);
                     if (object.taken == before) continue;
                     model::check(object.taken == before + 1, "a run came twice");
                     model::check(post_alone(inbox, object, static_cast<std::size_t>(i)), "no place");
                   }
                 });
  const int before = object.taken;
  take_alone(inbox);
  model::check(object.taken == before + 1, "the run was lost, or came twice");
  take_alone(inbox);
  model::check(object.taken == before + 1, "a run came twice");
}

}  // namespace
