#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "World.hpp"

namespace model {

namespace {

std::uint64_t value_at(const void* at, std::size_t bytes) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

const char* name_of(const char* file) noexcept {
  const char* const slash = std::strrchr(file, '/');
  return slash == nullptr ? file : slash + 1;
}

}  // namespace

World world;

Location& World::location(const void* at, std::size_t bytes, Site site) {
  if (reinterpret_cast<std::uintptr_t>(at) < 4096) fail("follows a pointer that is not there yet", site);
  if (Location* const known = locations_.find(at)) {
    if (!self().clock.covers(known->maker, known->made_at))
      fail("uses an atomic that was constructed, but not visibly", site);
    return *known;
  }
  Location& fresh = locations_.add();
  fresh.begin(at, value_at(at, bytes), 0, 0);
  return fresh;
}

/// One of the stores that a load may read, the newest first. Stale ones of a value are left out where the caller
/// compares with it: who finds what it expects writes, and a write follows the newest.
std::size_t World::pick_store(Location& where, bool is_sc, const std::uint64_t* not_if_stale) {
  const std::size_t newest = where.stores.size() - 1;
  if (std::exchange(self().reads_newest, false)) return newest;
  const std::size_t oldest = where.oldest_readable(self().clock, is_sc);
  std::array<std::size_t, 64> candidates;
  std::size_t count = 0;
  for (std::size_t s = newest + 1; s-- != oldest && count != candidates.size();) {
    const bool is_left_out = s != newest && not_if_stale != nullptr && where.stores[s].value == *not_if_stale;
    if (!is_left_out) candidates[count++] = s;
  }
  return candidates[choose(count)];
}

void World::read_store(Location& where, std::size_t store, std::memory_order order) {
  Thread& me = self();
  if (store + 1 != where.stores.size()) me.has_read_stale = true;
  where.accesses[self_].push_back({me.clock.at[self_], store});
  if (is_acquire(order)) me.clock.join(where.stores[store].released);
}

void World::append(Location& where, void* at, std::size_t bytes, std::uint64_t value, std::memory_order order,
                   const Clock& sequence) {
  Thread& me = self();
  if (where.stores.back().value != value) ++me.changes;
  Store fresh{value, sequence, order == std::memory_order_seq_cst};
  if (is_release(order)) fresh.released.join(me.clock);
  where.accesses[self_].push_back({me.clock.at[self_], where.stores.size()});
  where.stores.push_back(fresh);
  std::memcpy(at, &value, bytes);
}

std::uint64_t World::load(const void* at, std::size_t bytes, std::memory_order order, Site site) {
  announce(Kind::kLoad, at, site);
  Location& where = location(at, bytes, site);
  tick();
  const std::size_t store = pick_store(where, order == std::memory_order_seq_cst, nullptr);
  read_store(where, store, order);
  const std::uint64_t value = where.stores[store].value;
  note("reads", site, at, value, where.stores.size() - 1 - store);
  return value;
}

void World::store(void* at, std::size_t bytes, std::uint64_t value, std::memory_order order, Site site) {
  announce(Kind::kWrite, at, site);
  Location& where = location(at, bytes, site);
  tick();
  append(where, at, bytes, value, order, {});
  note("writes", site, at, value, 0);
}

std::uint64_t World::update(void* at, std::size_t bytes, const Update& how, bool* is_done, Site site) {
  announce(Kind::kWrite, at, site);
  Location& where = location(at, bytes, site);
  tick();
  if (how.expected != nullptr) {
    const std::size_t store = pick_store(where, how.failure == std::memory_order_seq_cst, how.expected);
    const std::uint64_t found = where.stores[store].value;
    bool is_equal = found == *how.expected;
    if (is_equal && how.may_fail && !has_failed_spuriously_ && choose(2) == 1) {
      has_failed_spuriously_ = true;
      is_equal = false;
    }
    if (!is_equal) {
      read_store(where, store, how.failure);
      note("compares, in vain, with", site, at, found, where.stores.size() - 1 - store);
      *is_done = false;
      return found;
    }
  }
  const std::uint64_t old = where.stores.back().value;
  const Clock sequence = where.stores.back().released;
  read_store(where, where.stores.size() - 1, how.success);
  const std::uint64_t value = how.apply(old, how.operand);
  append(where, at, bytes, value, how.success, sequence);
  note("exchanges for", site, at, value, 0);
  *is_done = true;
  return old;
}

void World::construct(const void* at, std::size_t bytes) {
  if (Location* const former = locations_.find(at)) locations_.remove(*former);
  if (!is_running_) return;
  locations_.add().begin(at, value_at(at, bytes), self_, tick());
}

void World::destroy(const void* at) {
  Location* const known = locations_.find(at);
  if (known == nullptr) return;
  if (!known->is_over(self().clock)) fail("ends an atomic that another thread may be using", {"?", 0});
  locations_.remove(*known);
}

void World::read(const void* at, Site site) {
  tick();
  note("looks at", site, at, 0, 0);
  Plain* const known = plains_.find(at);
  if (known == nullptr) return;
  if (!known->may_read(self().clock)) fail("a data race: a read beside a write", site);
  known->read[self_] = self().clock.at[self_];
}

void World::write(const void* at, Site site) {
  tick();
  note("changes", site, at, 0, 0);
  Plain* known = plains_.find(at);
  if (known == nullptr) {
    known = &plains_.add();
    *known = Plain{at, 0, 0, {}};
  }
  if (!known->may_write(self().clock)) fail("a data race: a write beside another access", site);
  *known = Plain{at, self_, self().clock.at[self_], {}};
}

void World::forget(const void* at, Site site) {
  if (is_running_) return write(at, site);
  if (Plain* const known = plains_.find(at)) plains_.remove(*known);
}

void World::note(const char* what, Site site, const void* at, std::uint64_t value, std::size_t behind) {
  if (!is_running_) return;
  events_.push_back({self_, what, site, at, value, behind});
  if (events_.size() == kMostEvents) fail("does not come to an end", site);
}

void World::fail(const char* text, Site site) {
  std::vector<const void*> seen;
  for (const Event& event : events_) {
    std::size_t number = 0;
    while (number != seen.size() && seen[number] != event.address) ++number;
    if (number == seen.size()) seen.push_back(event.address);
    std::printf("    %*sthread %zu  %s:%d  %s [%zu]", static_cast<int>(event.thread - 1) * 4, "",
                event.thread, name_of(event.site.file), event.site.line, event.what, number);
    if (event.value != 0) std::printf(" 0x%llx", static_cast<unsigned long long>(event.value));
    if (event.behind != 0) std::printf(", %zu stores old", event.behind);
    std::printf("\n");
  }
  std::printf("    thread %zu  %s:%d  %s\n", self_, name_of(site.file), site.line, text);
  std::fflush(stdout);
  std::_Exit(1);
}

}  // namespace model
