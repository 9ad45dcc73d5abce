// The two fast paths under names that a disassembly can be searched for.
#include <flux/Allocator.hpp>

namespace {

struct Node40 {
  void* links[2];
  long payload[3];
};

static_assert(sizeof(Node40) == 40);

}  // namespace

struct
    ProbeTag;  // in an unnamed namespace g++ takes the address of its thread-local variable in an instruction more
using Tagged = flux::Allocator<Node40, ProbeTag>;

extern "C" {
void* probe_allocate();
void probe_free(void* object);
void* probe_allocate_tagged();
void probe_free_tagged(void* object);

[[gnu::noipa]] void* probe_allocate() { return flux::Allocator<Node40>{}.allocate(1); }

[[gnu::noipa]] void probe_free(void* object) {
  flux::Allocator<Node40>{}.deallocate(static_cast<Node40*>(object), 1);
}

[[gnu::noipa]] void* probe_allocate_tagged() { return Tagged{}.allocate(1); }

[[gnu::noipa]] void probe_free_tagged(void* object) { Tagged{}.deallocate(static_cast<Node40*>(object), 1); }
}

int main() {
  probe_free(probe_allocate());
  probe_free_tagged(probe_allocate_tagged());
}
