#pragma once

#include <cstddef>
#include <vector>

namespace model {

// What was chosen in an execution, choice by choice, and how many ways there were: a path in the tree of all
// executions, which `next` walks depth-first.
class Choices {
 public:
  void restart() noexcept {
    path_.clear();
    at_ = 0;
  }

  /// One of `count` ways to go on, from 0 on: as before as far as the path is known, then the first.
  std::size_t choose(std::size_t count) {
    if (at_ == path_.size()) path_.push_back({0, count});
    is_same_ = is_same_ && path_[at_].count == count;
    return path_[at_++].chosen;
  }

  /// On to the next execution; false when there is none.
  bool next() {
    at_ = 0;
    while (!path_.empty() && path_.back().chosen + 1 == path_.back().count) path_.pop_back();
    if (path_.empty()) return false;
    ++path_.back().chosen;
    return true;
  }

  /// False when an execution went another way than one before it that made the same choices: the scenario keeps
  /// something from one execution to the next.
  bool is_same() const noexcept { return is_same_; }

 private:
  struct Choice {
    std::size_t chosen;
    std::size_t count;
  };

  std::vector<Choice> path_;
  std::size_t at_ = 0;
  bool is_same_ = true;
};

}  // namespace model
