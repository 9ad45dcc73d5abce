// A thread that could not be told of its end leaves its heap owned; a later thread that lives at the same
// address is not taken for it: it has a heap of its own, or takes that one over whole. Also when code of the program
// and of a library take turns, and only one of them finds the heap that was left.
//
//   thread_address
#include "process/thread_address.hpp"

#include <limits.h>
#include <pthread.h>

#include <algorithm>
#include <flux/flux.hpp>
#include <thread>
#include <vector>

#include "support/Require.hpp"

namespace {

using namespace flux::detail;
using flux::test::require;

constexpr std::size_t kObjects = 5000;  // more than a bin holds, also by half

const Code program_code = {FLUX_SHARED_CODE != 0, [] { return allocate(kClass); },
                           [](void* object) { deallocate(object, kClass); }};

std::vector<void*> left;
pthread_key_t key;
int rounds = 0;
const Code* last_code = nullptr;
pthread_t left_by;
bool has_found_both = false;

std::vector<void*> allocate_many(const Code& code) {
  std::vector<void*> objects;
  for (std::size_t i = 0; i != kObjects; ++i) objects.push_back(code.allocate());
  return objects;
}

void deallocate_all(const Code& code, const std::vector<void*>& objects) {
  for (void* object : objects) code.deallocate(object);
}

// The key was made after flux's: in the last round its destructor comes after flux's has had its last turn.
void take_turn(void* self) {
  if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
    pthread_setspecific(key, self);
    return;
  }
  left_by = pthread_self();
  left = allocate_many(*last_code);
  for (std::size_t i = 0; i != kObjects / 2; ++i) {
    last_code->deallocate(left.back());
    left.pop_back();
  }
}

void require_distinct(std::vector<void*> objects, const std::vector<void*>& more) {
  objects.insert(objects.end(), more.begin(), more.end());
  std::sort(objects.begin(), objects.end());
  require(std::adjacent_find(objects.begin(), objects.end()) == objects.end(),
          "no object is allocated twice");
}

void require_a_valid_heap() {
  require(local_heap<>.heap() != nullptr && local_heap<>.heap()->is_valid(), "the heap is valid");
}

void allocate_first(const Code& first, const Code& then) {
  const std::vector<void*> objects = allocate_many(first);
  ThreadHeap* const leaver = ThreadHeap::owner_of(left.front());
  require_distinct(objects, left);
  for (void* object : objects) {
    const ThreadHeap* const owner = ThreadHeap::owner_of(object);
    require(owner == local_heap<>.heap() || owner == leaver,
            "objects are of the heaps at the thread's address");
  }
  deallocate_all(then, left);
  require(leaver->is_valid(), "the heap that was left is valid");
  deallocate_all(then, objects);
  require_a_valid_heap();
}

void free_first(const Code& first, const Code& then) {
  deallocate_all(first, left);
  deallocate_all(first, allocate_many(then));
  require_a_valid_heap();
}

void reserve_first(const Code& first, const Code& then) {
  flux::reserve(stride_of(kClass), kObjects);
  allocate_first(first, then);
}

void trim_first(const Code& first, const Code& then) {
  flux::trim();
  allocate_first(first, then);
}

// The thread's own heap and the one that was left are both found: the latter waits for another thread.
void find_both(const Code& first, const Code& then) {
  const std::vector<void*> objects = allocate_many(first);
  ThreadHeap* const leaver = ThreadHeap::owner_of(left.front());
  require(leaver != local_heap<>.heap(), "a thread has a heap of its own");
  deallocate_all(then, left);
  has_found_both = pthread_equal(pthread_self(), left_by) != 0;  // at the same address
  if (!has_found_both) return deallocate_all(first, objects);
  std::thread([leaver] {
    deallocate_all(program_code, allocate_many(program_code));
    require(local_heap<>.heap() == leaver, "a heap that was left is adopted");
  }).join();
  deallocate_all(first, objects);
}

/// A thread that leaves its heap, and one at its address.
void follow(const Code& last, void (*begin)(const Code&, const Code&), const Code& first, const Code& then) {
  rounds = 0;
  last_code = &last;
  std::thread([] { pthread_setspecific(key, &key); }).join();
  std::thread(begin, first, then).join();
}

}  // namespace

int main() {
  ::alarm(flux::test::kDeadline);
  std::thread([] { deallocate_all(program_code, allocate_many(program_code)); }).join();
  pthread_key_create(&key, take_turn);
  for (int round = 0; round != 5; ++round) {
    for (const Code* last : {&program_code, &library_code}) {
      for (const Code* first : {&program_code, &library_code}) {
        for (const Code* then : {&program_code, &library_code}) {
          for (const auto begin : {allocate_first, free_first, reserve_first, trim_first})
            follow(*last, begin, *first, *then);
        }
      }
    }
  }
  if (library_code.is_shared && !program_code.is_shared) {
    while (!has_found_both) follow(library_code, find_both, program_code, library_code);
  }
  return 0;
}
