#pragma once

#include <dlfcn.h>
#include <pthread.h>

// Weak, because a static program has no loader, and nothing that could be unloaded.
extern "C" {
[[gnu::weak]] int dladdr(const void* address, Dl_info* info) noexcept;
[[gnu::weak]] void* dlopen(const char* file, int mode) noexcept;
}

namespace flux::detail {

// Calls a function when a thread ends, after the destructors of all its thread-local objects: those may use
// flux as before.
//
// By the destructor of a pthread key, not of a thread-local object: a thread-local destructor is registered
// in vain, and its record lost, in a thread that has come to its keys already, and registering one aborts
// when memory is out. The main thread, when it leaves by `exit`, never comes to its keys: static destructors
// find its heap as it was.
class ThreadEnd {
 public:
  using Function = void (*)(void*) noexcept;

  /// Has `function(argument)` called at the end of the calling thread. The same function in every call. Not
  /// null: `argument`. False when the system cannot.
  static bool call(Function function, void* argument) noexcept {
    static const ThreadEnd end(function);
    return end.is_made_ && ::pthread_setspecific(end.key_, argument) == 0;
  }

 private:
  explicit ThreadEnd(Function function) noexcept
      : is_made_(::pthread_key_create(&key_, reinterpret_cast<void (*)(void*)>(function)) == 0) {
    if (is_made_) keep_loaded(reinterpret_cast<const void*>(function));
  }

  /// A library must not be unloaded while threads that used flux in it are still to end.
  static void keep_loaded(const void* code) noexcept {
    Dl_info info{};
    if (&dladdr == nullptr || &dlopen == nullptr || ::dladdr(code, &info) == 0 || info.dli_fname == nullptr)
      return;
    ::dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  }

  pthread_key_t key_{};
  bool is_made_;
};

}  // namespace flux::detail
