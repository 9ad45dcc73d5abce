// Memory by its size.
#include <flux/Raw.hpp>

#include <cstddef>

int main() {
  void* block = flux::allocate(100);            // or allocate(100, 64): at a multiple of 64
  std::size_t room = flux::usable_size(block);  // 112
  flux::deallocate(block);                      // or deallocate(block, 100), the size asked for: faster

  return room >= 100 ? 0 : 1;
}
