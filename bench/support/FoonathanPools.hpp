#pragma once

#include <cstddef>
#include <foonathan/memory/memory_pool.hpp>
#include <mutex>

namespace bench {

/// foonathan's memory_pool, one for each size of object, behind a mutex or none.
template <class Mutex>
struct FoonathanPools {
  template <std::size_t kSize>
  struct Pool {
    static inline Mutex mutex;
    static inline foonathan::memory::memory_pool<> pool{kSize, std::size_t{64} * 1024};
  };

  template <class T>
  struct Single {
    using Of = Pool<(sizeof(T) + 7) / 8 * 8>;

    static T* allocate() {
      const std::lock_guard<Mutex> guard(Of::mutex);
      return static_cast<T*>(Of::pool.allocate_node());
    }
    static void deallocate(T* p) noexcept {
      const std::lock_guard<Mutex> guard(Of::mutex);
      Of::pool.deallocate_node(p);
    }
  };
};

struct NoMutex {
  void lock() noexcept {}
  void unlock() noexcept {}
};

}  // namespace bench
