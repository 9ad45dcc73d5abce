#pragma once

#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// All that flux asks of the system and of the processor. What differs between systems is in SystemPosix.hpp and
// SystemWindows.hpp, each of which defines these functions, in the first part of Config.hpp, and at the end of
// heap/LocalThread.hpp: nowhere else.
//
// Bytes and addresses of memory are whole pages, but where said otherwise. No function throws; those that give memory back
// leave errno as it is.
struct System {
  // Memory. PageSource is the way to it.

  static constexpr std::size_t kLeastPageBytes = 4096;

  /// A power of two, kLeastPageBytes or more.
  static std::size_t page_bytes() noexcept;
  /// Memory of the machine, bytes; SIZE_MAX when that is not known, or more.
  static std::size_t physical_bytes() noexcept;
  /// The most address space that the process may have, bytes.
  static std::size_t address_limit() noexcept;
  /// Inaccessible address space at a multiple of `alignment`, free of charge; nullptr when there is none.
  static std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept;
  /// Gives back all that one call reserved.
  static void release(std::byte* begin, std::size_t bytes) noexcept;
  /// Makes reserved pages readable and writable, zero at first touch; false when the system refuses.
  static bool commit(std::byte* begin, std::size_t bytes) noexcept;
  /// Asks for huge or small pages; may come to nothing.
  static void advise_huge(std::byte* begin, std::size_t bytes, bool huge) noexcept;
  /// Makes committed pages resident, whatever they hold, also one of which the last bytes are left out; false when memory is
  /// out.
  static bool populate(std::byte* begin, std::size_t bytes) noexcept;
  /// Gives the memory of committed pages back. They stay committed, and hold zeros from then on, or, until the system
  /// needs the memory, what they held.
  static void discard(std::byte* begin, std::size_t bytes) noexcept;

  /// What came of a look at memory that may not be there.
  enum class Look : unsigned char { kDone, kNothingThere, kNotAllowed };
  /// Copies what lies anywhere in the process. Any address, any number of bytes.
  static Look look_at(const void* from, void* to, std::size_t bytes) noexcept;

  /// The C library's memory, at any alignment; nullptr when it is out.
  static void* allocate(std::size_t bytes, std::size_t alignment) noexcept;
  /// What allocate gave, or nullptr.
  static void deallocate(void* p) noexcept;
  static std::size_t usable_size(void* p) noexcept;

  // Waiting.

  /// Of a clock that is never set.
  static long long milliseconds() noexcept;
  /// Lets other threads run, but for those of lower priority.
  static void yield() noexcept;
  /// Lets all others run, for some dozen microseconds or as little as can be. Not a place where a thread may be cancelled.
  static void sleep() noexcept;

  // Threads and processes.

  /// A number that no other thread of the process has; never 0.
  static long thread_id() noexcept;
  /// Whether there is a thread with this number; false as well where the system does not say.
  static bool is_there(long thread_id) noexcept;
  static long process_id() noexcept;
  /// Has these called around every fork: before, in the parent, and in the child. False when the system cannot.
  static bool tell_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

  /// A place for one pointer in each thread, beginning with null. At a thread's end `at_end` is called with its pointer,
  /// after the destructors of thread-local objects where the system can, and once more when the pointer is set again.
  using Key = unsigned long;
  static bool make_key(Key& key, void (*at_end)(void*)) noexcept;
  static bool set(Key key, void* pointer) noexcept;
  static void delete_key(Key key) noexcept;

  /// Keeps a library from being unloaded that the address lies in. False where there is none to keep: in a program.
  static bool keep_loaded(const void* address) noexcept;

  // Tools.

  /// Has LeakSanitizer look for pointers in this memory; and no more.
  static void add_leak_root(std::byte* begin, std::size_t bytes) noexcept;
  static void remove_leak_root(std::byte* begin, std::size_t bytes) noexcept;

  /// A request to Valgrind: instructions that change nothing, and that it looks for. Its answer; 0 elsewhere.
  static std::uintptr_t ask_valgrind(const volatile std::uintptr_t (&arguments)[6]) noexcept;

#if FLUX_THREAD_POINTER
  /// The address that the thread's storage is found by.
  static std::uintptr_t thread_pointer() noexcept;
#endif
};

}  // namespace flux::inline FLUX_ABI::detail

// Each is empty on the other's systems.
#include <flux/detail/base/SystemPosix.hpp>
#include <flux/detail/base/SystemWindows.hpp>
