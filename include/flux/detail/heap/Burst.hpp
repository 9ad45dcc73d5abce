#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/OperatorNew.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

namespace flux::inline FLUX_ABI::detail {

// Many objects of one class at a time. What the thread's bin holds is taken in one go, and what comes back is
// pushed in one go as far as it is the thread's own; in between lie the slow paths of single objects.

/// `count` free objects that are in nobody's bin or slab: the first word of each holds the address of the
/// next. That of the last does not count.
struct Run {
  void* first = nullptr;
  void* last = nullptr;
  std::size_t count = 0;
};

// By copying, because others write and read these words as pointers to types of their own.
inline void link(void* object, const void* next) noexcept { std::memcpy(object, &next, sizeof next); }
inline void* next_of(const void* object) noexcept {
  void* next;
  std::memcpy(&next, object, sizeof next);
  return next;
}

inline void append(Run& run, const Run& more) noexcept {
  if (run.count != 0)
    link(run.last, more.first);
  else
    run.first = more.first;
  run.last = more.last;
  run.count += more.count;
}

inline void* take_first(Run& run) noexcept {
  void* const object = run.first;
  run.first = next_of(object);
  --run.count;
  return object;
}

/// All that a bin holds, at most `most`, in the order of pops. Writes nothing where the bin is empty, as in
/// no_bins.
inline Run take_run(Bins& bins, unsigned size_class, std::size_t most) noexcept {
  Bin& bin = bins.bins[size_class];
  const std::ptrdiff_t level = bin.level;
  const std::size_t count = std::min(most, static_cast<std::size_t>(level - bin.bottom));
  if (count == 0) return {};
  void** const top = bins.stack_end(size_class) + level;
  void** const low = top - count;
  bin.set_level(level - static_cast<std::ptrdiff_t>(count));
  for (void** place = top - 1; place != low; --place) link(place[0], place[-1]);
  return {top[-1], *low, count};
}

/// Pushes objects of a run up to the first that is not the bins' own, or until the bin is full, and takes
/// them off the run. Requires that the first is the bins' own.
inline void push_run(Bins& bins, unsigned size_class, Run& run) noexcept {
  Bin& bin = bins.bins[size_class];
  const std::ptrdiff_t level = bin.level;
  void** const begin = bins.stack_end(size_class) + level;
  void** const limit = begin + std::min(run.count, static_cast<std::size_t>(-level));
  void** place = begin;
  void* object = run.first;
  do {
    *place = object;
    object = next_of(object);
  } while (++place != limit && bins.owns(object));
  run.first = object;
  run.count -= static_cast<std::size_t>(place - begin);
  bin.set_level(level + (place - begin));
}

/// Frees objects of the class, of each of which `bytes` were asked for, whichever threads allocated them.
template <class Domain>
void deallocate_run(Run run, unsigned size_class,
                    [[maybe_unused]] std::size_t bytes = kWholeObject) noexcept {
  while (FLUX_CHECKED && run.count != 0) deallocate<Domain>(take_first(run), size_class, bytes);
  while (run.count != 0) {
    Bins* const bins = current_bins<Domain>();
    if (!bins->owns(run.first)) [[unlikely]] {
      SlowPaths<Domain>::deallocate(take_first(run), size_class, bins);
      continue;
    }
    push_run(*bins, size_class, run);
    if (bins->bins[size_class].level == 0) [[unlikely]]
      SlowPaths<Domain>::spill(size_class, bins);
  }
}

/// The same for objects that are too large for a class.
inline void deallocate_large_run(Run run, std::size_t bytes, std::size_t alignment) noexcept {
  while (run.count != 0) operator_delete(take_first(run), bytes, alignment);
}

/// A run that grows, and gives back what it has unless it is released: a later allocation may throw.
template <class GiveBack>
class GrowingRun {
 public:
  explicit GrowingRun(GiveBack give_back) noexcept : give_back_(give_back) {}
  GrowingRun(const GrowingRun&) = delete;
  GrowingRun& operator=(const GrowingRun&) = delete;
  ~GrowingRun() { give_back_(run_); }

  std::size_t count() const noexcept { return run_.count; }
  void append(const Run& more) noexcept { detail::append(run_, more); }
  void append(void* object) noexcept { append({object, object, 1}); }
  Run release() noexcept { return std::exchange(run_, {}); }

 private:
  Run run_;
  GiveBack give_back_;
};

/// `count` objects of the class, of which `bytes` each are asked for, in the order of single allocations. Throws
/// std::bad_alloc, with nothing taken.
template <class Domain>
Run allocate_run(std::size_t count, unsigned size_class, std::size_t bytes = kWholeObject) {
  GrowingRun taken([=](const Run& run) noexcept { deallocate_run<Domain>(run, size_class, bytes); });
  while (FLUX_CHECKED && taken.count() != count) taken.append(allocate<Domain>(size_class, bytes));
  while (taken.count() != count) {
    Bins* const bins = current_bins<Domain>();
    const Run held = take_run(*bins, size_class, count - taken.count());
    if (held.count != 0) [[likely]]
      taken.append(held);
    else
      taken.append(SlowPaths<Domain>::allocate(size_class, bins));  // fills the bin as well
  }
  return taken.release();
}

/// The same for objects that are too large for a class.
inline Run allocate_large_run(std::size_t count, std::size_t bytes, std::size_t alignment) {
  GrowingRun taken([=](const Run& run) noexcept { deallocate_large_run(run, bytes, alignment); });
  while (taken.count() != count) taken.append(operator_new(bytes, alignment));
  return taken.release();
}

/// An object of the class, of which `bytes` are asked for, or nullptr when memory is out.
template <class Domain>
void* allocate_or_null(unsigned size_class, [[maybe_unused]] std::size_t bytes = kWholeObject) noexcept {
  Bins* const bins = current_bins<Domain>();
  const Run one = take_run(*bins, size_class, 1);
  if (!FLUX_CHECKED && one.count != 0) return one.first;
  const FoundBins found{bins, &local_bins<Domain>};
  if constexpr (FLUX_CHECKED) {
    const AskingFor scope(bytes);
    void* const object = one.count != 0 ? one.first : local_heap<Domain>.try_allocate(size_class, found);
    if (object != nullptr) watch_allocation<Domain>(object, size_class, bytes);
    return object;
  }
  return local_heap<Domain>.try_allocate(size_class, found);
}

}  // namespace flux::inline FLUX_ABI::detail
