// What a program may do about mistakes.
#include <flux/Misuse.hpp>
#include <flux/Raw.hpp>

#include <atomic>
#include <cstdio>

std::atomic<int> mistakes{0};

void note(const flux::Misuse& misuse) {
  std::fprintf(stderr, "%s of %p, tag %s: %s\n", misuse.operation, misuse.address, misuse.tag, misuse.reason);
  ++mistakes;
}

int main() {
  flux::set_misuse_handler(note);
  void* const block = flux::allocate(100);
  flux::deallocate(block, 100);
  flux::deallocate(block, 100);  // a checked program calls note, and goes on without this

  return mistakes == 1 ? 0 : 1;
}
