#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Text.hpp>
#include <flux/detail/heap/Census.hpp>

/// @file
/// What lies in the slabs, object by object: for leak reports and pictures.
///
/// All functions require that no other thread allocates, frees or ends meanwhile, and neither do the visitors. They ask
/// `operator new` for memory, some bytes for each free object that lies in a bin, and throw std::bad_alloc. They take time
/// with the slabs and their objects.
///
/// Lost, and found as live, is what a thread had freed of others' objects and not sent home (flux::flush) when it ended
/// unknown to flux, having met it in the last round of key destructors only; in the child of a fork, that of all threads
/// but the one that forked; and where a library has a copy of flux of its own, what that freed of this one's objects and
/// did not send home by a flush of its own. Where a thread ended so, and another has its id by now, none of them may be
/// called.
///
/// Containers that are static or thread-local live until after `main`, and are found. What lies in a flux::Heap, and the
/// objects of a flux::HandlePool, are not looked at.

namespace flux::inline FLUX_ABI {

/// A slab, as a visitor sees it. Valid while the visitor runs.
class SlabView {
 public:
  std::string_view tag() const noexcept { return domain_.name; }     ///< "default" for none
  const void* begin() const noexcept { return slab_.objects; }       ///< the first object
  std::size_t object_size() const noexcept { return slab_.stride; }  ///< bytes from one object to the next
  std::size_t objects() const noexcept { return slab_.capacity; }    ///< live and free
  const void* heap() const noexcept { return &heap_; }           ///< the same for all slabs of a thread heap
  bool is_parked() const noexcept { return !heap_.is_owned(); }  ///< whether the heap's thread has ended

  /// Calls `visit(const void*)` for each live object, lowest address first; returns how many there are.
  template <class Visitor>
  std::size_t for_each_live(Visitor visit) const {
    return strays_.for_each_live(slab_, visit);
  }
  /// How many objects are live.
  std::size_t live() const {
    return for_each_live([](const void*) {});
  }

  /// For flux::visit: whether the slab is of the domain.
  bool is_of(const detail::DomainInfo& domain) const noexcept { return &domain == &domain_; }
  /// For flux::visit_all, which makes them.
  SlabView(const detail::ThreadHeap& heap, const detail::Slab& slab, const detail::DomainInfo& domain,
           const detail::StrayObjects& strays) noexcept
      : heap_(heap), slab_(slab), domain_(domain), strays_(strays) {}

 private:
  const detail::ThreadHeap& heap_;
  const detail::Slab& slab_;
  const detail::DomainInfo& domain_;
  const detail::StrayObjects& strays_;
};

/// Calls `visitor(const SlabView&)` for each slab of all domains, heap by heap.
template <class Visitor>
void visit_all(Visitor visitor) {
  const detail::StrayObjects strays;
  detail::heap_list.for_each([&](const detail::ThreadHeap& heap) {
    heap.home().source().for_each_slab(
        [&](const detail::Slab& slab) { visitor(SlabView(heap, slab, heap.domain(), strays)); });
  });
}

/// The same for the slabs of one domain: a Tag's, or `void`, that of no tag.
template <class Tag = void, class Visitor>
void visit(Visitor visitor) {
  visit_all([&visitor](const SlabView& slab) {
    if (slab.is_of(detail::domain_info<Tag>)) visitor(slab);
  });
}

/// Writes a line for each tag and size class of which objects are live: how many, and the addresses of the first
/// `most_addresses` of them, digits plain whatever the stream's locale and flags are. Returns how many objects are live
/// in all. To be called where none should be: at the end of `main`, when other threads have ended.
inline std::size_t report_leaks(std::ostream& out, std::size_t most_addresses = 16) {
  struct Leak {
    std::string_view tag;
    std::size_t object_size;
    std::size_t count = 0;
    std::vector<const void*> addresses{};
  };
  std::vector<Leak> leaks;
  std::size_t total = 0;
  visit_all([&](const SlabView& slab) {
    Leak leak{slab.tag(), slab.object_size()};
    const auto is_same = [&leak](const Leak& other) {
      return other.tag.data() == leak.tag.data() && other.object_size == leak.object_size;
    };
    auto found = std::find_if(leaks.begin(), leaks.end(), is_same);
    if (found == leaks.end()) found = leaks.insert(found, leak);
    const std::size_t count = slab.for_each_live([&](const void* object) {
      if (found->addresses.size() != most_addresses) found->addresses.push_back(object);
    });
    found->count += count;
    total += count;
  });
  std::string text;
  for (const Leak& leak : leaks) {
    if (leak.count == 0) continue;
    const bool is_one = leak.count == 1;
    (text += "flux: ") += std::to_string(leak.count) + (is_one ? " object" : " objects");
    text += " of " + std::to_string(leak.object_size) + " bytes, tag " + detail::printable(leak.tag);
    text += is_one ? ", is live:" : ", are live:";
    for (const void* address : leak.addresses) (text += ' ') += detail::hexadecimal(address);
    text += leak.count > leak.addresses.size() ? " ...\n" : "\n";
  }
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  return total;
}

}  // namespace flux::inline FLUX_ABI
