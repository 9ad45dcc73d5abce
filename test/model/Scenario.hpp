#pragma once

#include <set>
#include <string>

#include "Atomic.hpp"

namespace model {

// A scenario is a function that makes what it needs, calls `threads`, and checks what is left; it is called once for
// each execution, and must leave nothing behind for the next one.
struct Scenario {
  const char* name;
  void (*body)();
  const char*
      outcomes;  ///< what `outcome` must have been told, in all executions together; nullptr: does not matter
  const Scenario* next;

  static inline const Scenario* first = nullptr;

  Scenario(const char* its_name, void (*its_body)(), const char* its_outcomes = nullptr) noexcept
      : name(its_name), body(its_body), outcomes(its_outcomes), next(first) {
    first = this;
  }
};

/// What executions of a scenario have come to.
inline std::set<std::string> outcomes;
inline void outcome(int first, int second) {
  outcomes.insert(std::to_string(first) + std::to_string(second));
}

/// Runs up to three threads, in all ways.
template <class... Threads>
void threads(Threads... bodies) {
  static_assert(sizeof...(Threads) < kThreads);
  world.run({bodies...});
}

/// Like assert, in threads and after them.
inline void check(bool holds, const char* what, MODEL_SITE) {
  if (!holds) world.fail(what, {file, line});
}

/// A thread_local variable, of which each thread has one for this execution.
template <class T>
void keep_apart(T& variable) {
  world.keep_apart(const_cast<std::remove_const_t<T>*>(&variable), sizeof(T));
}

// Tells another model thread something, with no order: what is learnt thereby is not visible by it.
template <class T>
class Hint {
 public:
  void tell(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  T ask() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  Atomic<T> value_{};
};

}  // namespace model

// Defines a scenario: MODEL_SCENARIO(name) { ... }, or one with its outcomes: MODEL_SCENARIO(name, "00 11") { ... }
#define MODEL_SCENARIO(name, ...)                                                       \
  static void name();                                                                   \
  static const model::Scenario scenario_##name(#name, name __VA_OPT__(, ) __VA_ARGS__); \
  static void name()
