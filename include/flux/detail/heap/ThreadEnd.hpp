#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

#if defined(__GLIBC__)
// Weak, because a static program has no loader, and nothing that could be unloaded. Under names of flux's own: what the program
// calls itself stays as it is.
[[gnu::weakref("dladdr1")]] static int weak_dladdr1(const void*, Dl_info*, void**, int);
[[gnu::weakref("dlopen")]] static void* weak_dlopen(const char*, int);

/// What link_map begins with, for good. <link.h> would bring hundreds of macros.
struct LoadedObject {
  std::uintptr_t address;
  const char* name;
};
#endif

// Calls `function` when a thread ends, after the destructors of all its thread-local objects: those may use
// flux as before.
//
// By the destructor of a pthread key, not of a thread-local object: a thread-local destructor is registered
// in vain, and its record lost, in a thread that has come to its keys already, and registering one aborts
// when memory is out. The main thread, when it leaves by `exit`, never comes to its keys: static destructors
// find its heap as it was. A thread that first asks in the last of the system's rounds of key destructors
// (PTHREAD_DESTRUCTOR_ITERATIONS) is not told.
//
//   key_ == 0 (no key yet), or the key + 1 for the rest of the program
template <void (*function)(void*) noexcept>
class ThreadEnd {
 public:
  /// Has `function(argument)` called at the end of the calling thread. Not null: `argument`. False when the
  /// system cannot.
  static bool call(void* argument) noexcept {
    // acquire: pairs with the release in make_key: the key's making comes before its use; test/model fails without it
    // (litmus/list).
    std::uint64_t key = key_.load(std::memory_order_acquire);
    if (key == 0) key = make_key();
    return key != 0 && ::pthread_setspecific(static_cast<pthread_key_t>(key - 1), argument) == 0;
  }

 private:
  /// Threads that come at once all make a key and the first one published stays. Takes no lock and asks the
  /// loader nothing: another thread may be inside the loader and wait for this one, or have forked away.
  [[gnu::noinline]] static std::uint64_t make_key() noexcept {
    static_cast<void>(&is_kept_);  // so that it is there
    pthread_key_t made{};
    if (::pthread_key_create(&made, reinterpret_cast<void (*)(void*)>(function)) != 0) return 0;
    std::uint64_t key = 0;
    // release on success: pairs with the acquire in `call`. acquire on failure: as there. test/model fails without
    // either (litmus/beaten).
    if (key_.compare_exchange_strong(key, std::uint64_t{made} + 1, std::memory_order_release,
                                     std::memory_order_acquire)) {
      return std::uint64_t{made} + 1;
    }
    ::pthread_key_delete(made);
    return key;
  }

  /// A library must not be unloaded while threads that used flux in it are still to end: keeps the library
  /// loaded that this code lies in. False where there is none to keep: in a program.
  static bool keep_loaded() noexcept {
#if defined(__GLIBC__)
    Dl_info info{};
    void* found = nullptr;
    if (&weak_dladdr1 == nullptr || &weak_dlopen == nullptr) return false;
    if (weak_dladdr1(&is_kept_, &info, &found, RTLD_DL_LINKMAP) == 0) return false;
    const char* const name = static_cast<const LoadedObject*>(found)->name;
    return *name != '\0' && weak_dlopen(name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
#else
    return false;  // other systems for which this compiles, with musl, never unload
#endif
  }

  // Initialised when the library is loaded, by the thread that holds the loader's lock. Hidden: each library that
  // has the code keeps itself, also where libraries share their variables.
  [[gnu::visibility("hidden")]] inline static const bool is_kept_ = keep_loaded();
  inline static constinit std::atomic<std::uint64_t> key_{0};
};

}  // namespace flux::inline FLUX_ABI::detail
