#pragma once

#include <atomic>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>

namespace flux::inline FLUX_ABI::detail {

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
  /// Has `function(argument)` called at the end of the calling thread, unless the argument is nullptr. False when the
  /// system cannot.
  static bool call(void* argument) noexcept {
    // acquire: pairs with the release in make_key: the key's making comes before its use; test/model fails without it
    // (litmus/list).
    std::uint64_t key = key_.load(std::memory_order_acquire);
    if (key == 0) key = make_key();
    return key != 0 && System::set(static_cast<System::Key>(key - 1), argument);
  }

 private:
  /// Threads that come at once all make a key and the first one published stays. Takes no lock and asks the
  /// loader nothing: another thread may be inside the loader and wait for this one, or have forked away.
  [[gnu::noinline]] static std::uint64_t make_key() noexcept {
    static_cast<void>(&is_kept_);  // so that it is there
    System::Key made{};
    if (!System::make_key(made, function)) return 0;
    std::uint64_t key = 0;
    // release on success: pairs with the acquire in `call`. acquire on failure: as there. test/model fails without
    // either (litmus/beaten).
    if (key_.compare_exchange_strong(key, std::uint64_t{made} + 1, std::memory_order_release,
                                     std::memory_order_acquire)) {
      return std::uint64_t{made} + 1;
    }
    System::delete_key(made);
    return key;
  }

  /// A library must not be unloaded while threads that used flux in it are still to end: keeps the one loaded that this
  /// code lies in.
  [[gnu::visibility("hidden")]] static bool keep_loaded() noexcept { return System::keep_loaded(&is_kept_); }

  // Initialised when the library is loaded, by the thread that holds the loader's lock. Hidden, and so is the function: each
  // library that has the code keeps itself, also where libraries share their variables and their functions.
  [[gnu::visibility("hidden")]] inline static const bool is_kept_ = keep_loaded();
  inline static constinit std::atomic<std::uint64_t> key_{0};
};

}  // namespace flux::inline FLUX_ABI::detail
