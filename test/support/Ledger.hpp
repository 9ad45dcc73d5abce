// The model of an allocator: what is handed out, how large it is, and what is written there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/Kinds.hpp"
#include "support/Pattern.hpp"

namespace flux::test {

/// One allocation that is held: `count` objects of `kind`, filled with `mark`.
struct Holding {
  const Kind* kind = nullptr;
  char* address = nullptr;
  std::size_t count = 0;
  std::uint64_t mark = 0;

  std::size_t bytes() const { return kind->size * count; }
  bool is_intact() const { return has_mark(address, bytes(), mark); }
  void free() const { kind->deallocate(address, count); }
};

inline Holding hold(const Kind& kind, std::size_t count, std::uint64_t mark) {
  const Holding holding{&kind, static_cast<char*>(kind.allocate(count)), count, mark};
  write_mark(holding.address, holding.bytes(), mark);
  return holding;
}

/// All holdings by address. Every function returns what is wrong, or an empty text.
class Ledger {
 public:
  std::string enter(const Holding& holding) {
    if (!is_aligned(holding.address, holding.kind->alignment)) return "misaligned" + describe(holding);
    const auto next = held_.lower_bound(holding.address);
    if (next != held_.end() && holding.address + holding.bytes() > next->first)
      return "overlaps" + describe(holding);
    if (next != held_.begin() && overlaps(std::prev(next)->second, holding))
      return "overlaps" + describe(holding);
    held_.emplace_hint(next, holding.address, holding);
    return {};
  }

  std::string strike(const Holding& holding) {
    if (held_.erase(holding.address) == 0) return "not held" + describe(holding);
    return holding.is_intact() ? std::string() : "overwritten" + describe(holding);
  }

  std::size_t size() const { return held_.size(); }

 private:
  static bool overlaps(const Holding& low, const Holding& high) {
    return low.address + low.bytes() > high.address;
  }

  static std::string describe(const Holding& holding) {
    return ": " + std::to_string(holding.count) + " of " + std::to_string(holding.kind->size) +
           " bytes aligned to " + std::to_string(holding.kind->alignment);
  }

  std::map<const char*, Holding> held_;
};

}  // namespace flux::test
