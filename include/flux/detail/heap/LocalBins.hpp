#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/heap/Bins.hpp>

namespace flux::inline FLUX_ABI::detail {

/// Stands for a thread heap where there is none: owns no address and has no object, so that a thread's first
/// allocation and first free fall into the slow paths without a test of their own. Never written.
inline constinit Bins no_bins{};

/// The calling thread's bins of a domain: all that the fast paths need of it. Usable at any time, also before `main`
/// and in destructors of other thread-local and static objects.
template <class Domain = void>
inline constinit thread_local Bins* local_bins = &no_bins;

#if FLUX_THREAD_POINTER

/// After a fork: no thread may find bins by their owner's address but the one that goes on. Also in code that does not
/// look for them so: a program shares this function with its libraries, which do.
inline void forget_if_not_mine(Bins& bins) noexcept {
  // relaxed: there is one thread. Nothing is written that is there already: the page is the parent's until then.
  const std::uintptr_t thread = bins.thread.load(std::memory_order_relaxed);
  if (thread != 0 && thread != System::thread_pointer()) bins.thread.store(0, std::memory_order_relaxed);
}

#else

inline void forget_if_not_mine(Bins&) noexcept {}

#endif

#if FLUX_SHARED_CODE

// In a shared library reading local_bins is a call, which costs more than the rest of an operation. Threads
// find their bins here instead, by the thread pointer, which is one load away.
//
//   slots_[i]: bins of some thread, or no_bins;  bins.thread == the thread that may use them, or 0
//   a thread's are in the slot that its address gives, or, where another's are there, in the slot beside it
//
// A slot may be stale, and any thread may overwrite it: the bins themselves say whose they are, and only their
// owner ever writes its own thread pointer there. Heaps are never unmapped, so a stale slot can be read.
template <class Domain>
class BinsCache {
 public:
  constexpr BinsCache() noexcept { slots_.fill(&no_bins); }

  [[gnu::always_inline]] Bins* find() noexcept {
    const std::uintptr_t self = System::thread_pointer();
    // acquire: pairs with the release in find_slow, so that `thread` of another's bins is there to be read; ThreadSanitizer tells
    // when it is not (litmus/message). relaxed: only the thread itself writes its own number.
    Bins* const bins = slot_of(self).load(std::memory_order_acquire);
    return bins->thread.load(std::memory_order_relaxed) == self ? bins : find_slow(self);
  }

 private:
  static constexpr unsigned kSlotBits = 8;

  [[gnu::noinline]] Bins* find_slow(std::uintptr_t self) noexcept {
    // acquire, twice, and relaxed: as in find.
    Bins* const beside = slot_of(self, 1).load(std::memory_order_acquire);
    if (beside->thread.load(std::memory_order_relaxed) == self) return beside;
    Bins* const bins = local_bins<Domain>;
    if (bins == &no_bins) return bins;
    bins->thread.store(self, std::memory_order_relaxed);
    Bins* const there = slot_of(self).load(std::memory_order_acquire);
    const bool is_taken = there != bins && there->thread.load(std::memory_order_relaxed) != 0;
    // release: pairs with the acquires above.
    slot_of(self, is_taken ? 1 : 0).store(bins, std::memory_order_release);
    return bins;
  }

  // Stacks lie at multiples of large powers of two: the product spreads the bits that differ.
  std::atomic_ref<Bins*> slot_of(std::uintptr_t self, std::size_t beside = 0) noexcept {
    return std::atomic_ref<Bins*>(slots_[(self * 0x9E37'79B9'7F4A'7C15) >> (64 - kSlotBits) ^ beside]);
  }

  std::array<Bins*, std::size_t{1} << kSlotBits> slots_{};
};

template <class Domain = void>
[[gnu::visibility("hidden")]] inline constinit BinsCache<Domain> bins_cache;

template <class Domain>
[[gnu::always_inline]] inline Bins* current_bins() noexcept {
  return bins_cache<Domain>.find();
}

#else

template <class Domain>
[[gnu::always_inline]] inline Bins* current_bins() noexcept {
  return local_bins<Domain>;
}

#endif

}  // namespace flux::inline FLUX_ABI::detail
