#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/OperatorNew.hpp>
#include <flux/detail/heap/BufferCounts.hpp>
#include <flux/detail/heap/LocalHeap.hpp>

/// @file
/// Byte buffers by size, for programs that read, send and hand on: network stacks, logs, codecs.

namespace flux::inline FLUX_ABI {

/// When a pool overwrites a buffer's bytes with zeros, all of its capacity.
enum class Zeroing {
  kOnGet,  ///< whoever gets a buffer finds zeros
  kOnPut,  ///< nothing of what was in a buffer outlives it; what is in a new one is not said
  kNone,   ///< never: whoever gets a buffer finds whatever was there
};

/// What a BufferPool is made of.
struct BufferPoolOptions {
  /// The capacities of buffers, bytes: each larger than the one before, the first at least 1. At most 4,096 of them.
  std::vector<std::size_t> classes = default_classes();
  /// When buffers are overwritten with zeros.
  Zeroing zeroing = Zeroing::kOnGet;

  /// 2 bytes to 1 MiB in powers of two: 20 classes.
  static std::vector<std::size_t> default_classes() {
    std::vector<std::size_t> classes;
    for (std::size_t capacity = 2; capacity <= (std::size_t{1} << 20); capacity *= 2)
      classes.push_back(capacity);
    return classes;
  }
};

/// The buffers of one capacity. in_use == gets - puts, hits + misses == gets.
struct BufferClassStatistics {
  std::size_t capacity;  ///< bytes
  std::uint64_t gets;    ///< buffers given out, from the beginning on
  std::uint64_t puts;    ///< buffers that came back, from the beginning on
  std::uint64_t hits;    ///< gets for which the thread had a free buffer at hand
  std::uint64_t misses;  ///< gets that looked for some further away
  std::uint64_t in_use;  ///< buffers that are out now
  std::uint64_t bytes;   ///< in_use times capacity
};

/// What a pool has given out.
struct BufferPoolStatistics {
  std::vector<BufferClassStatistics> classes;  ///< one for each of the pool's, the smallest first
  std::uint64_t oversized_gets;  ///< of more than the largest class, which pass through to `operator new`
  std::uint64_t oversized_puts;  ///< of those, how many came back
};

namespace detail {

struct BufferTables;

/// The buffers of one capacity in a pool, or those that are larger than all of its classes.
struct BufferClass {
  std::size_t capacity;  ///< bytes; SIZE_MAX for those beyond the classes
  BufferCounts* counts;
  std::uint32_t size_class;  ///< kNoSizeClass: from `operator new`, or the pool has ended
  Zeroing zeroing;
  BufferTables* tables;
  std::uint32_t slab_class;  ///< as size_class, but for good

  static constexpr std::size_t kAlignment = 64;

  /// A buffer for `bytes`, which are not more than the capacity. Throws std::bad_alloc.
  std::byte* get(std::size_t bytes) const {
    if (size_class == kNoSizeClass) [[unlikely]]
      return get_from_system(capacity == SIZE_MAX ? bytes : capacity);
    const bool is_hit = has_at_hand<BufferDomain>(size_class);
    auto* const data = static_cast<std::byte*>(allocate<BufferDomain>(size_class, capacity));
    counts->count_get(is_hit);
    if (zeroing == Zeroing::kOnGet) std::memset(data, 0, capacity);
    return data;
  }

  /// `bytes` is what the buffer holds.
  void put(std::byte* data, std::size_t bytes) const noexcept {
    if (zeroing == Zeroing::kOnPut) {
      std::memset(data, 0, bytes);
      __asm__ volatile("" : : "r"(data) : "memory");  // nobody reads them, and yet they must be written
    }
    const std::uint32_t slab = size_class;
    if (slab == kNoSizeClass) [[unlikely]]
      return put_slow(data, bytes);
    const std::size_t its_capacity = capacity;
    counts->count_put();  // from here on the pool may end, and this with it
    deallocate<BufferDomain>(data, slab, its_capacity);
  }

 private:
  [[gnu::noinline]] inline void put_slow(std::byte* data, std::size_t bytes) const noexcept;

  [[gnu::noinline]] std::byte* get_from_system(std::size_t bytes) const {
    auto* const data = static_cast<std::byte*>(operator_new(bytes, kAlignment));
    counts->count_get(false);
    if (zeroing == Zeroing::kOnGet) std::memset(data, 0, bytes);
    return data;
  }
};

}  // namespace detail

/// Bytes from a BufferPool, which go back to it at the end, on whichever thread that is. Moving takes no copy; what was
/// moved from is empty: data() is nullptr, size and capacity are 0. Not by two threads at once.
class Buffer {
 public:
  /// Empty.
  Buffer() noexcept = default;
  /// Takes over what the other has, which is empty then.
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        class_(other.class_) {}
  /// The same; what this had goes back to its pool.
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  /// The bytes go back to their pool, whichever thread this is, also after the pool has ended.
  ~Buffer() {
    if (data_ != nullptr) class_->put(data_, capacity());
  }

  std::byte* data() noexcept { return data_; }              ///< the first byte; nullptr when empty
  const std::byte* data() const noexcept { return data_; }  ///< the first byte; nullptr when empty
  std::size_t size() const noexcept { return size_; }       ///< bytes that were asked for
  /// Bytes there are: those of the class, or size() when that is beyond all classes.
  std::size_t capacity() const noexcept {
    if (data_ == nullptr) return 0;
    return class_->capacity == SIZE_MAX ? size_ : class_->capacity;
  }
  std::span<std::byte> span() noexcept { return {data_, size_}; }              ///< what was asked for
  std::span<const std::byte> span() const noexcept { return {data_, size_}; }  ///< what was asked for

  /// Each has what the other had.
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(class_, other.class_);
  }

 private:
  friend class BufferPool;

  Buffer(std::byte* data, std::size_t size, const detail::BufferClass& its_class) noexcept
      : data_(data), size_(size), class_(&its_class) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  const detail::BufferClass* class_ = nullptr;
};

namespace detail {

// What the buffers of a pool need of it, and keep when it ends.
//
//   orphans == 0 while the pool lives; then buffers that have not ended, the last of which ends the tables
struct BufferTables {
  std::unique_ptr<BufferCounts[]> counts;
  std::vector<BufferClass> classes{};                    ///< the last one for what is beyond the others
  std::array<const BufferClass*, kSizeClasses> first{};  ///< where to begin, for sizes of a step
  std::atomic<std::uint64_t> orphans{0};

  BufferTables(const std::vector<std::size_t>& capacities, Zeroing zeroing)
      : counts(std::make_unique<BufferCounts[]>(capacities.size() + 1)) {
    classes.reserve(capacities.size() + 1);
    for (const std::size_t capacity : capacities) add(capacity, zeroing);
    add(SIZE_MAX, zeroing);
    const BufferClass* wanted = classes.data();
    for (unsigned step = 0; step != kSizeClasses; ++step) {
      const std::size_t smallest = step == 0 ? 0 : stride_of(step - 1) + 1;
      while (wanted->capacity < smallest) ++wanted;
      first[step] = wanted;
    }
  }

  void add(std::size_t capacity, Zeroing zeroing) {
    const std::size_t alignment = std::min(std::bit_floor(capacity), BufferClass::kAlignment);
    const unsigned size_class = size_class_of(capacity, alignment, kLargestObject);
    classes.push_back({capacity, &counts[classes.size()], size_class, zeroing, this, size_class});
  }

  /// One table look-up, by steps of 8 bytes and then of an eighth, and one more step for each class in the same one.
  /// Beyond 1 MiB, a search.
  const BufferClass& class_of(std::size_t n) const noexcept {
    const BufferClass* wanted = n <= kLargestObject ? first[size_class_of(n)] : first_beyond(n);
    while (wanted->capacity < n) ++wanted;
    return *wanted;
  }

  [[gnu::noinline]] const BufferClass* first_beyond(std::size_t n) const noexcept {
    return &*std::lower_bound(
        classes.begin(), classes.end() - 1, n,
        [](const BufferClass& each, std::size_t bytes) { return each.capacity < bytes; });
  }

  /// The pool ends; whether buffers are left, which end the tables. Their ends take the slow way from here on.
  bool leave_to_buffers() noexcept {
    std::uint64_t left = 0;
    for (BufferClass& each : classes) {
      left += each.counts->sum().in_use();
      each.size_class = kNoSizeClass;
    }
    // relaxed: no other thread is at work with the pool's buffers just now.
    orphans.store(left, std::memory_order_relaxed);
    return left != 0;
  }
};

void BufferClass::put_slow(std::byte* data, std::size_t bytes) const noexcept {
  BufferTables* const of_pool = tables;
  const std::uint32_t slab = slab_class;
  // relaxed: the buffer came to this thread after the pool had ended, or the pool lives.
  const bool is_orphan = of_pool->orphans.load(std::memory_order_relaxed) != 0;
  if (!is_orphan) counts->count_put();
  if (slab == kNoSizeClass) {
    operator_delete(data, bytes, kAlignment);
  } else {
    deallocate<BufferDomain>(data, slab, capacity);
  }
  // acquire and release: the last one sees that all others are done with the tables; test/model fails without either
  // (litmus/count).
  if (is_orphan && of_pool->orphans.fetch_sub(1, std::memory_order_acq_rel) == 1) delete of_pool;
}

}  // namespace detail

/// Gives out buffers of a few capacities, from slabs up to 1 MiB, and from `operator new` beyond. get and what a Buffer's
/// end does may be called by any threads at once, but not from signal handlers. Pools share their slabs; one costs 4 KiB
/// of counts for each class.
///
/// Buffers may outlive their pool: they go back to the slabs as ever, and the last one takes the pool's tables along.
/// No other thread may get or end a buffer just while the pool ends.
class BufferPool {
 public:
  /// Throws std::invalid_argument, which names the class, when the classes are empty, not in order, or one is 0 or there
  /// twice; std::bad_alloc.
  explicit BufferPool(const BufferPoolOptions& options = {})
      : tables_(new detail::BufferTables(check(options.classes), options.zeroing)) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  /// Buffers may be left: they go back as ever. Requires that no other thread gets or ends one just now.
  ~BufferPool() {
    if (tables_->leave_to_buffers()) static_cast<void>(tables_.release());
  }

  /// A buffer of `n` bytes, 0 included, in the smallest class that holds them; of exactly n bytes when none does. At a
  /// multiple of 64, or of the largest power of two that the capacity holds, where that is less. Throws std::bad_alloc.
  [[nodiscard]] Buffer get(std::size_t n) {
    const detail::BufferClass& wanted = tables_->class_of(n);
    return {wanted.get(n), n, wanted};
  }

  /// A snapshot. Any thread; exact while no thread gets or puts, otherwise each number near the truth, in_use never
  /// below 0. Throws std::bad_alloc.
  BufferPoolStatistics stats() const {
    BufferPoolStatistics statistics{};
    for (const detail::BufferClass& each : tables_->classes) {
      const detail::BufferCount count = each.counts->sum();
      if (each.capacity == SIZE_MAX) {
        statistics.oversized_gets = count.gets;
        statistics.oversized_puts = count.puts;
        break;
      }
      statistics.classes.push_back({each.capacity, count.gets, count.puts, count.gets - count.misses,
                                    count.misses, count.in_use(), count.in_use() * each.capacity});
    }
    return statistics;
  }

 private:
  static constexpr std::size_t kMostClasses = 4096;

  static const std::vector<std::size_t>& check(const std::vector<std::size_t>& classes) {
    if (classes.empty()) refuse("there are no classes");
    if (classes.size() > kMostClasses) refuse(std::to_string(classes.size()) + " classes are too many");
    std::size_t previous = 0;
    for (const std::size_t capacity : classes) {
      if (capacity == 0) refuse("a class of 0 bytes");
      if (capacity > PTRDIFF_MAX) refuse("a class of " + std::to_string(capacity) + " bytes is too large");
      if (capacity == previous) refuse("the class of " + std::to_string(capacity) + " bytes is there twice");
      if (capacity < previous)
        refuse("the class of " + std::to_string(capacity) + " bytes follows that of " +
               std::to_string(previous));
      previous = capacity;
    }
    return classes;
  }

  [[noreturn]] static void refuse(const std::string& reason) {
    std::__throw_invalid_argument(("flux::BufferPool: " + reason).c_str());
  }

  std::unique_ptr<detail::BufferTables> tables_;
};

}  // namespace flux::inline FLUX_ABI
