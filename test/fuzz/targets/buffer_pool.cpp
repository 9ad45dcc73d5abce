// Pools of buffers: classes that are good and such that are not, and of each buffer its size, place, zeros and counts.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <flux/BufferPool.hpp>
#include <flux/Control.hpp>
#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/Contents.hpp"
#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"
#include "fuzz/World.hpp"
#include "support/Threads.hpp"

namespace flux::test::fuzz {

namespace buffers_by_size {
namespace {

constexpr std::size_t kMostBytes = std::size_t{3} << 20;  // of one buffer

BufferPoolOptions draw_options(Input& input) {
  BufferPoolOptions options;
  options.zeroing = static_cast<Zeroing>(input.below(3));
  const std::size_t how = input.below(16);
  if (how == 0) return options;
  if (how == 1) {
    options.classes.assign(4090 + input.below(16), 0);
    std::iota(options.classes.begin(), options.classes.end(), std::size_t{1});
    options.classes.resize(options.classes.size() > 4096 ? options.classes.size() : 40);
    return options;
  }
  options.classes.clear();
  std::size_t last = 0;
  for (std::size_t left = input.below(14); left != 0; --left) {
    const std::size_t step = input.magnitude(how < 14 ? 20 : 64);
    last = how < 13 ? last + std::max<std::size_t>(step, 1) : how == 13 ? last + step : step;
    options.classes.push_back(last);
  }
  return options;
}

bool is_good(const std::vector<std::size_t>& classes) {
  const auto is_out_of_order = [](std::size_t left, std::size_t right) { return left >= right; };
  return !classes.empty() && classes.size() <= 4096 && classes.front() != 0 &&
         classes.back() <= PTRDIFF_MAX &&
         std::ranges::adjacent_find(classes, is_out_of_order) == classes.end();
}

/// Whether the reason of a refusal names a class, where one is at fault.
bool names_a_class(const std::string& reason, const std::vector<std::size_t>& classes) {
  if (!reason.starts_with("flux::BufferPool: ")) return false;
  if (classes.empty() || classes.size() > 4096) return true;
  return std::ranges::any_of(classes, [&](std::size_t each) {
    return reason.find(" " + std::to_string(each) + " bytes") != std::string::npos;
  });
}

struct Count {
  std::uint64_t gets = 0;
  std::uint64_t puts = 0;
};

class Run {
 public:
  Run(Input& input, const BufferPoolOptions& options)
      : input_(input), options_(options), pool_(std::make_unique<BufferPool>(options)) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void run() {
    for (unsigned i = 0; i != kMostSteps && !input_.is_over(); ++i) step();
    check();
    if (input_.below(2) == 0) pool_.reset();  // the buffers outlive it
    while (!held_.empty()) put(held_.size() - 1);
    if (pool_ != nullptr) check();
  }

 private:
  static constexpr unsigned kMostSteps = 200;
  static constexpr std::size_t kMostHeld = 400;
  static constexpr std::size_t kMostInAll = std::size_t{24} << 20;
  static constexpr unsigned kMostThreads = 3;

  struct Held {
    Buffer buffer;
    std::size_t size;
    std::uint64_t mark;
  };

  void step() {
    switch (input_.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return get();
      case 4:
      case 5:
        return put_some();
      case 6:
        return move_about();
      case 7:
        return put_elsewhere();
      case 8:
        flux::trim();
        return;
      default:
        return check();
    }
  }

  /// SIZE_MAX for more than the classes hold.
  std::size_t class_of(std::size_t n) const {
    const auto found = std::ranges::lower_bound(options_.classes, n);
    return found == options_.classes.end() ? SIZE_MAX : *found;
  }

  void get() {
    std::size_t n = input_.magnitude(21);
    if (input_.below(4) == 0)
      n = options_.classes[input_.below(options_.classes.size())] + input_.below(3) - 1;
    const std::size_t of_class = class_of(n);
    const std::size_t capacity = of_class == SIZE_MAX ? n : of_class;
    if (capacity > kMostBytes) return;
    for (std::size_t left = input_.count(kMostHeld); left != 0; --left) {
      if (held_.size() == kMostHeld || bytes_ + capacity > kMostInAll) return;
      Buffer buffer = pool_->get(n);
      ++counts_[of_class].gets;
      expect(buffer.data() != nullptr, "nullptr was handed out");
      expect(buffer.size() == n && buffer.span().size() == n, "a buffer of another size than asked for");
      expect(buffer.capacity() == capacity, "a buffer is of the wrong class");
      const std::size_t alignment =
          of_class == SIZE_MAX ? 64 : std::min<std::size_t>(std::bit_floor(capacity), 64);
      expect(is_aligned(buffer.data(), alignment), "a buffer is not aligned");
      if (options_.zeroing == Zeroing::kOnGet) {
        const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
        expect(std::all_of(buffer.data(), buffer.data() + capacity, is_zero),
               "a buffer holds other than zeros");
      }
      fill(buffer.data(), capacity, ++marks_);
      bytes_ += capacity;
      held_.push_back({std::move(buffer), n, marks_});
    }
  }

  /// Takes one out, modulo how many there are.
  Buffer take(std::size_t n) {
    std::swap(held_[n % held_.size()], held_.back());
    Held held = std::move(held_.back());
    held_.pop_back();
    expect(held.buffer.size() == held.size, "a buffer's size changed");
    expect(is_filled(held.buffer.data(), held.buffer.capacity(), held.mark), "a buffer was overwritten");
    bytes_ -= held.buffer.capacity();
    ++counts_[class_of(held.size)].puts;
    return std::move(held.buffer);
  }

  void put(std::size_t n) { take(n); }

  void put_some() {
    std::size_t n = input_.byte();
    for (std::size_t left = input_.count(kMostHeld); left != 0 && !held_.empty(); --left, n = n * 31 + 7)
      put(n);
  }

  void put_elsewhere() {
    if (held_.empty() || threads_ == kMostThreads) return;
    ++threads_;
    std::vector<Buffer> taken;
    for (std::size_t left = input_.count(kMostHeld); left != 0 && !held_.empty(); --left)
      taken.push_back(take(left));
    run_thread([&] { taken.clear(); });
  }

  void move_about() {
    if (held_.empty()) return;
    Buffer& buffer = held_[input_.below(held_.size())].buffer;
    const std::byte* const data = buffer.data();
    Buffer other(std::move(buffer));
    expect(buffer.data() == nullptr && buffer.size() == 0 && buffer.capacity() == 0,
           "what was moved from is not empty");
    expect(other.data() == data, "a move took a copy");
    Buffer third;
    third.swap(other);
    other = std::move(third);
    buffer = std::move(other);
    Buffer& itself = buffer;
    buffer = std::move(itself);
    expect(buffer.data() == data, "a move to itself lost the bytes");
  }

  void check() {
    expect_valid_heaps();
    for (const Held& held : held_)
      expect(is_filled(held.buffer.data(), held.buffer.capacity(), held.mark), "a buffer was overwritten");
    const BufferPoolStatistics statistics = pool_->stats();
    expect(statistics.classes.size() == options_.classes.size(), "statistics have other classes");
    for (std::size_t i = 0; i != options_.classes.size(); ++i) {
      const BufferClassStatistics& each = statistics.classes[i];
      const Count& count = counts_[options_.classes[i]];
      expect(each.capacity == options_.classes[i], "statistics have other classes");
      expect(each.gets == count.gets && each.puts == count.puts,
             "statistics count other buffers than there were");
      expect(each.hits + each.misses == each.gets && each.in_use == each.gets - each.puts &&
                 each.bytes == each.in_use * each.capacity,
             "statistics do not add up");
    }
    const Count& oversized = counts_[SIZE_MAX];
    expect(statistics.oversized_gets == oversized.gets && statistics.oversized_puts == oversized.puts,
           "statistics count other buffers than there were");
  }

  Input& input_;
  const BufferPoolOptions& options_;
  std::map<std::size_t, Count> counts_;
  std::unique_ptr<BufferPool> pool_;
  std::vector<Held> held_;
  std::size_t bytes_ = 0;
  std::uint64_t marks_ = 0;
  unsigned threads_ = 0;
};

void run(Input& input) {
  const BufferPoolOptions options = draw_options(input);
  if (is_good(options.classes)) return Run(input, options).run();
  std::string reason;
  try {
    const BufferPool pool(options);
  } catch (const std::invalid_argument& refusal) {
    reason = refusal.what();
  }
  expect(!reason.empty(), "bad classes were taken");
  expect(names_a_class(reason, options.classes), "a refusal does not say which class it is");
}

}  // namespace
}  // namespace buffers_by_size

void fuzz_buffer_pool(Data data) {
  run_in_new_world<detail::BufferDomain>([data](FailingPageSource&) {
    Input input(data);
    buffers_by_size::run(input);
  });
}

}  // namespace flux::test::fuzz
