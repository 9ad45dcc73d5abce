// A thread that could not be told of its end leaves its heap owned; a later thread that lives at the same
// address is not taken for it: it has a heap of its own, or takes that one over whole.
//
//   thread_address
#include <limits.h>
#include <pthread.h>

#include <flux/flux.hpp>
#include <thread>
#include <vector>

#include "support/Require.hpp"

namespace {

using namespace flux::detail;
using flux::test::require;

constexpr unsigned kClass = 7;
constexpr std::size_t kObjects = 5000;  // more than a bin holds

std::vector<void*> left;
pthread_key_t key;
int rounds = 0;

std::vector<void*> allocate_many() {
  std::vector<void*> objects;
  for (std::size_t i = 0; i != kObjects; ++i) objects.push_back(allocate(kClass));
  return objects;
}

void deallocate_all(const std::vector<void*>& objects) {
  for (void* object : objects) deallocate(object, kClass);
}

// The key was made after flux's: in the last round its destructor comes after flux's has had its last turn.
void take_turn(void* self) {
  if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(key, self);
    return;
  }
  left = allocate_many();
  for (std::size_t i = 0; i != kObjects / 2; ++i) {
    deallocate(left.back(), kClass);
    left.pop_back();
  }
}

void allocate_first() {
  const std::vector<void*> objects = allocate_many();
  for (void* object : objects)
    require(ThreadHeap::owner_of(object) == local_heap<>.heap(), "objects are of the thread that allocates");
  deallocate_all(objects);
  deallocate_all(left);
}

void free_first() {
  deallocate_all(left);
  deallocate_all(allocate_many());
  require(local_heap<>.heap() != nullptr && local_heap<>.heap()->is_valid(), "the heap is valid");
}

void reserve_first() {
  flux::reserve(stride_of(kClass), kObjects);
  allocate_first();
  require(local_heap<>.heap()->is_valid(), "the heap is valid");
}

void trim_first() {
  flux::trim();
  allocate_first();
  require(local_heap<>.heap()->is_valid(), "the heap is valid");
}

}  // namespace

int main() {
  ::alarm(flux::test::kDeadline);
  std::thread([] { deallocate_all(allocate_many()); }).join();
  pthread_key_create(&key, take_turn);
  for (int round = 0; round != 5; ++round) {
    for (const auto begin : {allocate_first, free_first, reserve_first, trim_first}) {
      rounds = 0;
      std::thread([] { pthread_setspecific(key, &key); }).join();
      std::thread(begin).join();
    }
  }
  return 0;
}
