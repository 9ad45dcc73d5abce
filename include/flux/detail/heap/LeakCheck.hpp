#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Misuse.hpp>
#include <flux/detail/base/System.hpp>
#include <flux/detail/heap/HeapList.hpp>
#include <flux/detail/slab/Marks.hpp>

namespace flux::inline FLUX_ABI::detail {

// Looks, when a checked program exits that runs with FLUX_LEAKS=1, for objects that were never freed: for each domain and
// class the handler of misuse is told how many and which one lies lowest. Not in the child of a fork, which has what its
// parent had. Requires that no other thread allocates or frees by then.
class LeakCheck {
 public:
  LeakCheck() noexcept : process_(is_asked_for() ? System::process_id() : 0) {}

  /// At the end of the process, as often as there is code that has this.
  void end() noexcept {
    if (process_ != System::process_id()) return;
    process_ = 0;
    if (report()) return;
    std::fflush(nullptr);  // what the program wrote; an abort does not
    std::abort();
  }

 private:
  struct Leaks {
    std::size_t count = 0;
    const void* first = nullptr;
  };
  using LeaksOfDomain = std::array<Leaks, kSizeClasses>;

  static bool is_asked_for() noexcept {
    const char* const text = std::getenv("FLUX_LEAKS");
    if (text == nullptr || *text == '\0' || std::strcmp(text, "0") == 0) return false;
    if (std::strcmp(text, "1") == 0) return true;
    std::fprintf(stderr, "flux: FLUX_LEAKS=\"%s\" is neither 0 nor 1; using 0\n", text);
    return false;
  }

  /// Whether a handler took all there is to tell.
  static bool report() noexcept {
    bool is_taken = true;
    heap_list.for_each([&is_taken](const ThreadHeap& heap) {
      if (&newest_of(heap.domain()) != &heap) return;
      const LeaksOfDomain leaks = find(heap.domain());
      for (unsigned c = 0; c != kSizeClasses; ++c)
        if (leaks[c].count != 0) is_taken = tell(leaks[c], c, heap.domain().name) && is_taken;
    });
    return is_taken;
  }

  static const ThreadHeap& newest_of(const DomainInfo& domain) noexcept {
    const ThreadHeap* newest = nullptr;
    heap_list.for_each([&](const ThreadHeap& heap) {
      if (newest == nullptr && &heap.domain() == &domain) newest = &heap;
    });
    return *newest;
  }

  static LeaksOfDomain find(const DomainInfo& domain) noexcept {
    LeaksOfDomain leaks{};
    heap_list.for_each([&](const ThreadHeap& heap) {
      if (&heap.domain() != &domain) return;
      heap.home().source().for_each_slab([&leaks](Slab& slab) {
        Leaks& of_class = leaks[slab.size_class];
        for (std::uint32_t i = 0; i != slab.capacity; ++i) {
          if (!Marks(slab, i).is_live()) continue;
          const void* const object = slab.objects + std::size_t{i} * slab.stride;
          if (of_class.count++ == 0 || object < of_class.first) of_class.first = object;
        }
      });
    });
    return leaks;
  }

  static bool tell(const Leaks& leaks, unsigned size_class, const char* tag) noexcept {
    char reason[64];
    std::snprintf(reason, sizeof reason, "never freed, one of %zu", leaks.count);
    return tell_misuse({"leak", reason, leaks.first, kSizeClassInfo[size_class].stride, tag});
  }

  long process_;
};

#if FLUX_CHECKED
inline LeakCheck leak_check;

// Not by a destructor: with a library that is loaded late, that would come before those of the program's objects.
[[gnu::destructor]] inline void end_leak_check() { leak_check.end(); }
#endif

}  // namespace flux::inline FLUX_ABI::detail
