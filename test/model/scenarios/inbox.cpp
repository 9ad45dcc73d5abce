// A thread heap's inbox: chains that any thread posts and the owner takes.
#include "../Begin.hpp"

#include <flux/detail/heap/Inbox.hpp>

#include "../End.hpp"

namespace {

using flux::detail::Carrier;
using flux::detail::Inbox;

// An object that is freed: a carrier in its first words, and what the poster left behind in it.
struct Object {
  Carrier carrier{nullptr, 0};
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

}  // namespace
