// A copy of flux of its own in the process, and a handle that it made.
#include <flux/HandlePool.hpp>

struct Thing {
  long words[3];
};

flux::HandlePool<Thing> things;
flux::Handle<Thing> elsewhere;

extern "C" [[gnu::visibility("default")]] void make_elsewhere();

/// In a slot that the program's own copy has not handed out of the block of the same number; none before it is alive.
void make_elsewhere() {
  const flux::Handle<Thing> before[] = {things.create(), things.create()};
  elsewhere = things.create();
  for (const flux::Handle<Thing> handle : before) things.destroy(handle);
}
