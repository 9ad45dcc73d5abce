#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstring>

#include "Scenario.hpp"

// flux_model [part of a name]: explores all scenarios, or those whose name has the part; stops at the first execution
// that goes wrong, and prints it.

namespace {

constexpr unsigned long kMostExecutions = 5'000'000;

bool is_asked_for(const char* name, int count, char** words) {
  for (int i = 1; i < count; ++i)
    if (std::strstr(name, words[i]) != nullptr) return true;
  return count < 2;
}

/// Whether the scenario came to what it has to come to, if that matters.
bool are_as_expected(const char* expected) {
  std::string found;
  for (const std::string& each : model::outcomes) found += (found.empty() ? "" : " ") + each;
  if (expected == nullptr || found == expected) return true;
  std::printf("    came to %s, not to %s\n", found.c_str(), expected);
  return false;
}

/// Whether all executions were explored, and came to what they should.
bool explore(const model::Scenario& scenario) {
  const auto begin = std::chrono::steady_clock::now();
  std::printf("%-58s", scenario.name);
  std::fflush(stdout);
  model::World& world = model::world;
  world.choices.restart();
  model::outcomes.clear();
  unsigned long executions = 0, pruned = 0;
  bool is_more = true;
  for (; is_more && executions != kMostExecutions; is_more = world.choices.next()) {
    world.begin();
    scenario.body();
    if (!world.choices.is_same()) world.fail("the scenario differs from one execution to the next", {"?", 0});
    ++executions;
    pruned += world.was_pruned() ? 1u : 0u;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%9lu executions, %8lu of them known  %6.2f s", executions, pruned, took.count());
  if (world.bound() != model::World::kNoBound) std::printf("  up to %u preemptions", world.bound());
  std::printf("%s\n", is_more ? "  NOT ALL" : "");
  return !is_more && are_as_expected(scenario.outcomes);
}

}  // namespace

int main(int count, char** words) {
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);  // blocks of handles come and go with every execution
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  bool is_good = true;
  unsigned explored = 0;
  for (const model::Scenario* each = model::Scenario::first; each != nullptr; each = each->next) {
    if (!is_asked_for(each->name, count, words)) continue;
    ++explored;
    is_good = explore(*each) && is_good;
  }
  model::world.begin();  // what is static in flux ends after this, and finds nothing
  if (explored == 0) std::printf("no scenario has such a name\n");
  return is_good && explored != 0 ? 0 : 1;
}
