// Heaps that are dropped as a whole, by each of their faces: what they give lies apart and stays as it is, their limits
// hold, and what is refused leaves everything as it was.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <flux/Control.hpp>
#include <flux/Heap.hpp>
#include <memory>
#include <new>
#include <stdexcept>

#include "fuzz/Blocks.hpp"
#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"
#include "support/FailingPageSource.hpp"
#include "support/WithSetting.hpp"

namespace flux::test::fuzz {

namespace heaps_as_a_whole {
namespace {

template <std::size_t Bytes, std::size_t Alignment>
struct alignas(Alignment) Object {
  std::byte bytes[Bytes];
};

// A type, by run-time functions.
struct Kind {
  std::size_t size;
  std::size_t alignment;
  void* (*allocate)(Heap& heap, std::size_t n);
  void (*deallocate)(Heap& heap, void* p, std::size_t n);
};

template <class T>
constexpr Kind kind_of() {
  return {
      sizeof(T), alignof(T),
      [](Heap& heap, std::size_t n) -> void* { return HeapAllocator<T>(heap).allocate(n); },
      [](Heap& heap, void* p, std::size_t n) { HeapAllocator<T>(heap).deallocate(static_cast<T*>(p), n); }};
}

constexpr std::array kKinds{kind_of<Object<1, 1>>(),       kind_of<Object<24, 8>>(),
                            kind_of<Object<64, 64>>(),     kind_of<Object<1000, 8>>(),
                            kind_of<Object<4096, 4096>>(), kind_of<Object<32'768, 8>>(),
                            kind_of<Object<40'000, 16>>()};

struct Origin {
  const Kind* kind;  ///< nullptr: by size and alignment
  std::size_t count;
  std::size_t alignment;
};

class Side {
 public:
  explicit Side(Input& input) : input_(input), capacity_(draw_capacity()) {
    try {
      heap_ = std::make_unique<Heap>(capacity_);
    } catch (const std::bad_alloc&) {
      expect(false, "a heap was refused though memory was not");
    }
  }

  void step() {
    switch (input_.below(12)) {
      case 0:
      case 1:
      case 2:
        return granted([this] { allocate_typed(); });
      case 3:
      case 4:
        return granted([this] { allocate_bytes(); });
      case 5:
      case 6:
      case 7:
        return free_some();
      case 8:
        return release();
      case 9:
        return trim();
      case 10:
        return refuse();
      default:
        return check();
    }
  }

  void finish() {
    check();
    while (!blocks_.is_empty() && input_.below(2) == 0) free(blocks_.size() - 1);
    check();
  }

  bool is_of(const Side& other) const {
    return HeapAllocator<int>(*heap_) == HeapAllocator<long>(*other.heap_);
  }
  bool has_resource_of(const Side& other) const {
    return HeapResource(*heap_).is_equal(HeapResource(*other.heap_));
  }

  static inline bool is_failing = false;  ///< the system refuses memory, now or soon

 private:
  static constexpr std::size_t kMostBytes = std::size_t{24} << 20;
  static constexpr std::size_t kMostBlocks = 6000;

  std::size_t draw_capacity() {
    const std::size_t how = input_.byte();
    if (how >= 192) return Heap::kUnlimited;
    return how < 128 ? how << 15 : (how - 127) << 20;
  }

  /// An operation that may find no room in the capacity, or memory out when the system refuses some.
  template <class Operation>
  void granted(Operation operation) {
    if (blocks_.size() > kMostBlocks || bytes_ > kMostBytes) return;
    const bool is_limited = capacity_ != Heap::kUnlimited;
    try {
      operation();
    } catch (const std::bad_alloc&) {
      expect(is_failing || is_limited, "memory is out though the system refused none");
      check();
    }
  }

  void enter(void* p, std::size_t bytes, const Origin& origin) {
    blocks_.enter(p, bytes, origin.alignment, origin);
    bytes_ += bytes;
  }

  void allocate_typed() {
    const Kind& kind = kKinds[input_.below(kKinds.size())];
    const std::size_t n = input_.below(4) != 0 ? 1 : input_.below(40);
    const std::size_t most = std::max<std::size_t>((2u << 20) / (kind.size * std::max<std::size_t>(n, 1)), 1);
    for (std::size_t left = input_.count(most); left != 0; --left)
      enter(kind.allocate(*heap_, n), n * kind.size, {&kind, n, kind.alignment});
  }

  void allocate_bytes() {
    const std::size_t bytes = input_.magnitude(20);
    const std::size_t alignment = std::size_t{1} << input_.below(18);
    const bool is_resource = input_.below(2) == 1;
    HeapResource resource(*heap_);
    for (std::size_t left = input_.count(std::max<std::size_t>((2u << 20) / (bytes + alignment), 1));
         left != 0; --left) {
      const std::size_t before = heap_->used_bytes();
      void* const p = is_resource ? resource.allocate(bytes, alignment) : heap_->allocate(bytes, alignment);
      expect(heap_->used_bytes() >= before || heap_->used_bytes() >= bytes,
             "used bytes fell as memory was taken");
      enter(p, bytes, {nullptr, 1, alignment});
    }
  }

  void free(std::size_t n) {
    const auto block = blocks_.take(n);
    const Origin& origin = block.origin;
    bytes_ -= block.bytes;
    if (origin.kind != nullptr) return origin.kind->deallocate(*heap_, block.address, origin.count);
    if (block.mark % 2 == 0) return heap_->deallocate(block.address, block.bytes, origin.alignment);
    HeapResource(*heap_).deallocate(block.address, block.bytes, origin.alignment);
  }

  void free_some() {
    const std::size_t order = input_.below(3);
    std::size_t left = std::min(input_.count(4096), blocks_.size());
    for (std::size_t n = input_.below(256); left != 0; --left) {
      if (order == 0) n = blocks_.size() - 1;
      if (order == 2) n = n * 31 + 7;
      free(n);
    }
  }

  void release() {
    blocks_.expect_all_intact();
    heap_->release();
    blocks_.forget();
    bytes_ = 0;
    expect(heap_->used_bytes() == 0, "a released heap uses memory");
    check();
  }

  void trim() {
    const std::size_t bytes = heap_->trim();
    expect(bytes % detail::kUnitBytes == 0, "parts of units were given back");
    expect(heap_->trim() == 0, "a second trim finds more");
    if (blocks_.is_empty()) expect(heap_->used_bytes() == 0, "an empty heap uses memory after trim");
  }

  /// What nobody can have: more than there is, and alignments that are none.
  void refuse() {
    const std::size_t alignment = input_.below(20'000);
    if (!std::has_single_bit(alignment)) {
      bool is_refused = false;
      try {
        static_cast<void>(heap_->allocate(8, alignment));
      } catch (const std::invalid_argument&) {
        is_refused = true;
      }
      expect(is_refused, "an alignment that is no power of two was taken");
    }
    const std::size_t most = std::size_t{1} << 63;
    for (const std::size_t bytes :
         {SIZE_MAX - input_.byte(), most + input_.byte(), most - 1 - input_.below(40)}) {
      bool is_refused = false;
      try {
        static_cast<void>(heap_->allocate(bytes, std::size_t{1} << input_.below(64)));
      } catch (const std::bad_alloc&) {
        is_refused = true;
      }
      expect(is_refused, "more than all memory was granted");
    }
    bool is_refused = false;
    try {
      static_cast<void>(HeapAllocator<Object<64, 64>>(*heap_).allocate(most / 64 + input_.byte()));
    } catch (const std::bad_array_new_length&) {
      is_refused = true;
    }
    expect(is_refused, "an array larger than memory was granted");
  }

  void check() {
    expect(heap_->is_valid(), "a heap is not valid");
    blocks_.expect_all_intact();
    const std::size_t used = heap_->used_bytes();
    expect(used <= capacity_, "a heap is above its capacity");
    expect(used >= bytes_, "a heap says that it uses less than what is live");
    expect(used % detail::kUnitBytes == 0, "a heap uses parts of units");
  }

  Input& input_;
  std::size_t capacity_;
  std::unique_ptr<Heap> heap_;
  Blocks<Origin> blocks_;
  std::size_t bytes_ = 0;  ///< live
};

void run(Input& input) {
  constexpr unsigned kMostSteps = 200;
  constexpr std::array<std::size_t, 4> kLimits{0, 65'536, 1u << 20, kHold};
  FailingPageSource pages(input.below(2) == 0 ? kModestPieces : kSingleRegions);
  {
    Side::is_failing = false;
    std::array sides{Side(input), Side(input)};
    expect(sides[0].is_of(sides[0]) && !sides[0].is_of(sides[1]), "allocators of two heaps are equal");
    expect(sides[1].has_resource_of(sides[1]) && !sides[0].has_resource_of(sides[1]),
           "resources of two heaps are equal");
    for (unsigned i = 0; i != kMostSteps && !input.is_over(); ++i) {
      const std::size_t choice = input.below(16);
      if (choice == 15) flux::set_retention_limit(kLimits[input.below(kLimits.size())]);
      if (choice != 14) {
        sides[choice % 2].step();
        continue;
      }
      const std::size_t how = input.below(8);
      Side::is_failing = how >= 3;
      how < 3 ? pages.fail_never() : how % 2 == 0 ? pages.fail_at(how / 2) : pages.fail_from(how / 2);
    }
    for (Side& side : sides) side.finish();
  }
  expect(pages.pieces() == 0, "a heap is gone, but its memory is not");
  expect(pages.complaint().empty(), pages.complaint().c_str());
}

}  // namespace
}  // namespace heaps_as_a_whole

void fuzz_heap(Data data) {
  const WithRetentionLimit retention(retention_limit());
  Input input(data);
  heaps_as_a_whole::run(input);
}

}  // namespace flux::test::fuzz
