// Threads that start together and are joined, whatever happens.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

namespace flux::test {

/// Runs `work(index)` on `count` threads that wait for each other before they begin; returns when all have
/// ended.
template <class Work>
void run_threads(std::size_t count, Work work) {
  std::atomic<std::size_t> missing{
      count};  // no std::barrier: on Windows libstdc++'s may leave threads asleep
  std::vector<std::jthread> threads;
  for (std::size_t index = 0; index < count; ++index)
    threads.emplace_back([&missing, &work, index] {
      for (--missing; missing != 0;) std::this_thread::yield();
      work(index);
    });
}

/// Runs `work()` on a thread of its own and waits until it has ended.
template <class Work>
void run_thread(Work work) {
  std::thread(std::move(work)).join();
}

}  // namespace flux::test
