#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <flux/Handle.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Construct.hpp>
#include <flux/detail/handle/SlotPool.hpp>

namespace flux::inline FLUX_ABI {

/// Objects that are named by handles: a handle of an object that is gone is told from one whose object lives,
/// for sure and at the price of a comparison. Objects stay where they are until they are destroyed.
///
/// Any thread may create, destroy and look up, at any time; nothing takes a lock but every 64th operation or
/// so (of objects beyond 1 KiB one in fewer, beyond 32 KiB nearly every one), and the operations of threads beyond 64
/// alive at once. (A thread that first meets flux in the last round of key destructors, and one that a fork left behind
/// in the parent, count as alive for good.) Not from signal handlers. What get returns is the caller's to use until
/// somebody destroys the object: who else may do so is for the program to arrange, as for any pointer.
///
/// Memory comes from `operator new` in blocks of up to 1,024 objects or 256 KiB, the first with the first
/// object, and goes back when the pool ends. The pool itself has 5.3 KiB, and may be constant-initialised.
/// All pools of a process together have room for a million blocks. Out of memory is std::bad_alloc, from
/// create alone; a thread's first use of a pool, also to destroy, asks for two magazines, with the program's
/// new_handler, and does without where there is no memory. The table of blocks is 16 MiB of address space of which
/// only what is used is touched, but for programs that lock all their memory.
///
/// In the child of a fork a pool goes on without the free slots that other threads had; but if one of these
/// held the pool's lock just then, the lock stays taken: the next visit to the depot, and what comes under
/// the lock besides, waits for ever. Fork while no other thread creates or destroys, or do not use the pool
/// in the child.
///
/// T: an object type, complete when a member function is used; any alignment. Its constructors may throw, its
/// destructor must not; both may use the same pool.
template <class T>
class HandlePool {
  static_assert(std::is_object_v<T> && !std::is_array_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "flux::HandlePool<T>: T must be an object type, no array, not cv-qualified");

 public:
  using value_type = T;  ///< the type of the objects

  /// An empty pool. May be constant-initialised.
  constexpr HandlePool() noexcept : slots_(kShape) {}
  HandlePool(const HandlePool&) = delete;
  HandlePool& operator=(const HandlePool&) = delete;

  /// Destroys all objects, also those that their destructors create. Requires that no other thread uses the
  /// pool any more.
  ~HandlePool() {
    while (destroy_all() != 0) {
    }
  }

  /// An object made of `args`: T(args...), or T{args...} when T is an aggregate. Throws std::bad_alloc, or what the
  /// constructor throws: then there is no object, and its place serves the next.
  template <class... Args>
  [[nodiscard]] Handle<T> create(Args&&... args) {
    Taken taken(slots_);
    const detail::SlotWord word = taken.word();
    detail::SlotBlock* const block = slots_.block(detail::index_of(word));
    detail::construct<T>(address(block, word), std::forward<Args>(args)...);
    // release: pairs with the acquire in get, destroy and SlotPool::for_each_live; the object is visible; test/model
    // fails without it (litmus/message).
    block->word(slot(word)).store(word, std::memory_order_release);
    taken.keep();
    return Handle<T>::from_bits(word);
  }

  /// The object, or nullptr when the handle names none of this pool's. Any handle, whatever its bits.
  [[nodiscard]] T* get(Handle<T> handle) noexcept { return find(handle.to_bits()); }
  /// The same, of a pool that is not to be changed.
  [[nodiscard]] const T* get(Handle<T> handle) const noexcept { return find(handle.to_bits()); }
  /// Whether the handle names an object of this pool that lives.
  [[nodiscard]] bool contains(Handle<T> handle) const noexcept { return find(handle.to_bits()) != nullptr; }

  /// Destroys the object; false when the handle names none. Of threads that come at once exactly one gets
  /// true. Requires that no thread uses the object any more.
  bool destroy(Handle<T> handle) noexcept {
    const detail::SlotWord word = handle.to_bits();
    detail::SlotBlock* const block = slots_.find(detail::index_of(word));
    if (block == nullptr) return false;
    const detail::SlotWord next = word + detail::kOneGeneration;
    detail::SlotWord expected = word;
    // acquire: pairs with the release in create; the object is visible; test/model fails without it (litmus/lock).
    // relaxed on failure: nothing is read.
    // The only locked operation from create to destroy: it decides who destroys.
    if (!block->word(slot(word))
             .compare_exchange_strong(expected, detail::with_index(next, detail::kNoSlot),
                                      std::memory_order_acquire, std::memory_order_relaxed)) {
      return false;
    }
    std::destroy_at(object(block, word));
    slots_.put(next);
    return true;
  }

  /// Objects alive, with those just being created or destroyed: exact when no thread does that.
  [[nodiscard]] std::size_t size() const noexcept { return slots_.taken(); }
  /// Whether size() is 0.
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// Calls `visit(Handle<T>, T&)` for every object, in no particular order; it may create and destroy. What
  /// is created meanwhile may be left out. Requires that no other thread destroys what is being visited. Takes time with
  /// the slots of the pool, which are as many as ever lived at once, rounded up to blocks.
  template <class Visit>
  void for_each(Visit&& visit) {
    slots_.for_each_live([&](detail::SlotWord word, detail::SlotBlock& block) {
      visit(Handle<T>::from_bits(word), *object(&block, word));
    });
  }
  /// The same with `visit(Handle<T>, const T&)`.
  template <class Visit>
  void for_each(Visit&& visit) const {
    slots_.for_each_live([&](detail::SlotWord word, detail::SlotBlock& block) {
      visit(Handle<T>::from_bits(word), std::as_const(*object(&block, word)));
    });
  }

  /// Destroys all objects, but for those that are created meanwhile. The memory stays the pool's.
  void clear() noexcept { destroy_all(); }

  /// Whether all that the pool knows of its slots fits together, for tests. Requires that no other thread
  /// uses the pool, and this one is not inside create or destroy.
  [[nodiscard]] bool is_valid() const noexcept { return slots_.is_valid(); }

 private:
  // A slot that goes back, unless an object comes to live there.
  class Taken {
   public:
    explicit Taken(detail::SlotPool& slots) : slots_(slots), word_(slots.take()) {}
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    ~Taken() {
      if (!is_kept_) slots_.put(word_);
    }

    detail::SlotWord word() const noexcept { return word_; }
    void keep() noexcept { is_kept_ = true; }

   private:
    detail::SlotPool& slots_;
    const detail::SlotWord word_;
    bool is_kept_ = false;
  };

  static constexpr detail::BlockShape kShape = detail::BlockShape::of(sizeof(T), alignof(T));

  /// Blocks of T may have fewer slots than an index can count: what is beyond leads to a slot that says it is
  /// another.
  static constexpr std::uint32_t slot(detail::SlotWord word) noexcept {
    return detail::index_of(word) & (kShape.slots - 1);
  }

  static void* address(detail::SlotBlock* block, detail::SlotWord word) noexcept {
    return block->object(slot(word), kShape);
  }
  static T* object(detail::SlotBlock* block, detail::SlotWord word) noexcept {
    return std::launder(static_cast<T*>(address(block, word)));
  }

  /// By what is found, not by size(): in a fork's child that counts what other threads were about to create.
  std::size_t destroy_all() noexcept {
    std::size_t destroyed = 0;
    slots_.for_each_live([&](detail::SlotWord word, detail::SlotBlock&) {
      destroyed += destroy(Handle<T>::from_bits(word)) ? 1u : 0u;
    });
    return destroyed;
  }

  T* find(detail::SlotWord word) const noexcept {
    detail::SlotBlock* const block = slots_.find(detail::index_of(word));
    if (block == nullptr) return nullptr;
    // acquire: pairs with the release in create; the object is visible; test/model fails without it (litmus/message).
    if (block->word(slot(word)).load(std::memory_order_acquire) != word) [[unlikely]]
      return nullptr;
    return object(block, word);
  }

  detail::SlotPool slots_;
};

}  // namespace flux::inline FLUX_ABI
