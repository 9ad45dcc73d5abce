// Every stateless face over the thread's heaps: what one gives lies apart from all else, keeps what is written to it, and
// is taken back by each face that may; statistics and visits agree with a model.
#include <algorithm>
#include <array>
#include <bit>
#include <boost/container/detail/allocation_type.hpp>
#include <boost/container/list.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/flux.hpp>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/Blocks.hpp"
#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"
#include "fuzz/World.hpp"
#include "support/FailingPageSource.hpp"
#include "support/ObjectSets.hpp"
#include "support/Threads.hpp"
#include "support/WithSetting.hpp"

namespace flux::test::fuzz {

namespace allocator_faces {
namespace {

struct Orders;
struct Trades;

template <std::size_t Bytes, std::size_t Alignment>
struct alignas(Alignment) Object {
  std::byte bytes[Bytes];
};

using Quote = Object<48, 8>;
using Book = Object<100'000, 64>;
using Quotes = SlabProvider<Quote, "quotes">;
using Books = SlabProvider<Book, "books">;

constexpr auto kNoDomain = static_cast<const detail::DomainInfo*>(nullptr);

// A type and a tag, by run-time functions.
struct Kind {
  std::size_t size;
  std::size_t alignment;
  const detail::DomainInfo* domain;  ///< of one object; nullptr where that comes from the system
  unsigned size_class;
  void* (*allocate)(std::size_t n);
  void (*deallocate)(void* p, std::size_t n);
  void* (*allocate_one)();
  void (*deallocate_one)(void* p);
  Objects (*allocate_individual)(std::size_t n);
  void (*deallocate_individual)(const Objects& objects);
  void* (*command)(bool is_nothrow, bool is_zeroed, std::size_t least, std::size_t& preferred);
  void (*reserve)(std::size_t n);
};

template <class T, class Tag>
Objects allocate_individual(std::size_t n) {
  using Burst = BurstAllocator<T, Tag>;
  typename Burst::multiallocation_chain chain;
  Burst{}.allocate_individual(n, chain);
  Objects objects;
  for (T& object : chain) objects.push_back(&object);
  chain.clear();
  return objects;
}

template <class T, class Tag>
void deallocate_individual(const Objects& objects) {
  using Burst = BurstAllocator<T, Tag>;
  typename Burst::multiallocation_chain chain;
  for (void* object : objects) chain.push_back(static_cast<T*>(object));
  Burst{}.deallocate_individual(chain);
  expect(chain.empty(), "a freed chain is not empty");
}

template <class T, class Tag>
void* command(bool is_nothrow, bool is_zeroed, std::size_t least, std::size_t& preferred) {
  T* reuse = nullptr;
  namespace bc = boost::container;
  const unsigned how = static_cast<unsigned>(bc::allocate_new) |
                       (is_nothrow ? static_cast<unsigned>(bc::nothrow_allocation) : 0u) |
                       (is_zeroed ? static_cast<unsigned>(bc::zero_memory) : 0u);
  return BurstAllocator<T, Tag>{}.allocation_command(how, least, preferred, reuse);
}

template <class T, class Tag = void>
constexpr Kind kind_of() {
  using Single = Allocator<T, Tag>;
  using Burst = BurstAllocator<T, Tag>;
  const unsigned size_class = detail::size_class_of(sizeof(T), alignof(T));
  return {sizeof(T),
          alignof(T),
          size_class != detail::kNoSizeClass ? &detail::domain_info<Tag> : kNoDomain,
          size_class,
          [](std::size_t n) -> void* { return Single{}.allocate(n); },
          [](void* p, std::size_t n) { Single{}.deallocate(static_cast<T*>(p), n); },
          []() -> void* { return Burst{}.allocate_one(); },
          [](void* p) { Burst{}.deallocate_one(static_cast<T*>(p)); },
          allocate_individual<T, Tag>,
          deallocate_individual<T, Tag>,
          command<T, Tag>,
          [](std::size_t n) { flux::reserve<T, Tag>(n); }};
}

const std::array kKinds{
    kind_of<Object<1, 1>>(),          kind_of<Object<8, 8>>(),
    kind_of<Object<24, 8>>(),         kind_of<Object<64, 64>>(),
    kind_of<Object<100, 4>>(),        kind_of<Object<256, 8>>(),
    kind_of<Object<1000, 8>>(),       kind_of<Object<4096, 4096>>(),
    kind_of<Object<20'000, 8>>(),     kind_of<Object<32'768, 8>>(),
    kind_of<Object<40'000, 16>>(),    kind_of<Object<8, 8>, Orders>(),
    kind_of<Object<64, 8>, Orders>(), kind_of<Object<5000, 8>, Orders>(),
    kind_of<Object<64, 8>, Trades>(),
};

enum class Face { kOne, kArray, kRaw, kResource, kTaggedResource, kQuotes, kBooks };

struct Origin {
  Face face;
  const Kind* kind = nullptr;
  std::size_t count = 1;  ///< of an array
  std::size_t alignment = 1;
  const detail::DomainInfo* domain = nullptr;  ///< nullptr: the system
  unsigned size_class = detail::kNoSizeClass;
};

using Model = Blocks<Origin>;
using Block = Model::Block;

class Run {
 public:
  Run(Input& input, FailingPageSource& pages) : input_(input), pages_(pages) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void run() {
    for (unsigned i = 0; i != kMostSteps && !input_.is_over(); ++i) step();
    pages_.fail_never();
    check();
    while (!blocks_.is_empty()) free(blocks_.take(blocks_.size() - 1));
    flux::flush();
    check();
    flux::trim();
    check();
  }

 private:
  static constexpr unsigned kMostSteps = 200;
  static constexpr std::size_t kMostBlocks = 6000;
  static constexpr unsigned kMostThreads = 3;

  void step() {
    switch (input_.below(20)) {
      case 0:
      case 1:
        return granted([this] { allocate_singles(); });
      case 2:
        return granted([this] { allocate_array(); });
      case 3:
        return granted([this] { allocate_burst(); });
      case 4:
        return granted([this] { allocate_by_command(); });
      case 5:
        return granted([this] { allocate_raw(); });
      case 6:
        return granted([this] { allocate_from_resource(); });
      case 7:
        return granted([this] { allocate_from_provider(); });
      case 8:
      case 9:
      case 10:
        return free_some();
      case 11:
        return free_burst();
      case 12:
        return free_elsewhere();
      case 13:
        return allocate_elsewhere();
      case 14:
        return control();
      case 15:
        return granted([this] { reserve(); });
      case 16:
        return granted([this] { reserve_badly(); });
      case 17:
        return make_pages_fail();
      case 18:
        return granted([] {
          const auto object = Quotes::get_unique();
          const auto shared = Books::make_shared();
          expect(object != nullptr && shared != nullptr, "a provider gave nothing");
        });
      default:
        return check();
    }
  }

  /// An operation that may find memory out when the system refuses some.
  template <class Operation>
  void granted(Operation operation) {
    if (blocks_.size() > kMostBlocks) return;
    try {
      operation();
    } catch (const std::bad_alloc&) {
      expect(is_failing_, "memory is out though the system refused none");
      expect_valid_heaps();
    }
  }

  const Kind& draw_kind() { return kKinds[input_.below(kKinds.size())]; }
  std::size_t draw_count(std::size_t size) {
    return input_.count(std::max<std::size_t>((2u << 20) / size, 1));
  }

  static Origin one_of(const Kind& kind) {
    return {Face::kOne, &kind, 1, kind.alignment, kind.domain, kind.size_class};
  }

  void enter(void* p, std::size_t bytes, const Origin& origin) {
    blocks_.enter(p, bytes, origin.alignment, origin);
    expect(flux::owns(p) == (origin.domain != nullptr), "memory is not where it should come from");
  }

  void allocate_singles() {
    const Kind& kind = draw_kind();
    const bool is_burst = input_.below(2) == 1;
    for (std::size_t left = draw_count(kind.size); left != 0; --left)
      enter(is_burst ? kind.allocate_one() : kind.allocate(1), kind.size, one_of(kind));
  }

  void allocate_array() {
    const Kind& kind = draw_kind();
    const std::size_t n = input_.below(12);
    if (n == 11) return refuse_array(kind);
    if (n == 1) return enter(kind.allocate(1), kind.size, one_of(kind));
    enter(kind.allocate(n), n * kind.size, {Face::kArray, &kind, n, kind.alignment});
  }

  static void refuse_array(const Kind& kind) {
    bool is_refused = false;
    try {
      kind.deallocate(kind.allocate(SIZE_MAX / kind.size), SIZE_MAX / kind.size);
    } catch (const std::bad_array_new_length&) {
      is_refused = true;
    }
    expect(is_refused, "an array larger than memory was granted");
  }

  void allocate_burst() {
    const Kind& kind = draw_kind();
    const std::size_t n = draw_count(kind.size) - 1;
    const Objects objects = kind.allocate_individual(n);
    expect(objects.size() == n, "a burst of another count than asked for");
    for (void* object : objects) enter(object, kind.size, one_of(kind));
  }

  void allocate_by_command() {
    const Kind& kind = draw_kind();
    const std::size_t least = input_.below(8);
    std::size_t preferred = input_.below(8);
    const std::size_t n = std::max(least, preferred);
    const std::size_t how = input_.below(4);
    void* const p = kind.command((how & 1) != 0, (how & 2) != 0, least, preferred);
    if (p == nullptr) {
      expect((how & 1) != 0 && is_failing_, "memory is out though the system refused none");
      return;
    }
    expect(preferred == n, "another count than asked for");
    if ((how & 2) != 0) {
      const auto* const bytes = static_cast<const std::byte*>(p);
      const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
      expect(std::all_of(bytes, bytes + n * kind.size, is_zero), "what should be cleared is not");
    }
    if (n == 1) return enter(p, kind.size, one_of(kind));
    enter(p, n * kind.size, {Face::kArray, &kind, n, kind.alignment});
  }

  struct Request {
    std::size_t bytes;
    std::size_t alignment;
    unsigned size_class;
  };
  Request draw_request() {
    const std::size_t bytes = input_.magnitude(17);
    const std::size_t alignment = std::size_t{1} << input_.below(14);
    return {bytes, alignment, detail::size_class_of(bytes, alignment)};
  }

  static Origin origin_of(Face face, const Request& request, const detail::DomainInfo& domain) {
    const bool is_slabs = request.size_class != detail::kNoSizeClass;
    return {face, nullptr, 1, request.alignment, is_slabs ? &domain : nullptr, request.size_class};
  }

  void allocate_raw() {
    const Request request = draw_request();
    for (std::size_t left = draw_count(request.bytes + 1); left != 0; --left) {
      void* const p = flux::allocate(request.bytes, request.alignment);
      const std::size_t usable = flux::usable_size(p);
      expect(usable >= request.bytes, "fewer bytes are usable than were asked for");
      enter(p, usable, origin_of(Face::kRaw, request, detail::domain_info<>));
      requested_[p] = request.bytes;
    }
  }

  void allocate_from_resource() {
    const Request request = draw_request();
    const bool is_tagged = input_.below(2) == 1;
    std::pmr::memory_resource* const resource = resource_of(is_tagged);
    expect(!resource->is_equal(*resource_of(!is_tagged)), "resources of two tags are equal");
    const Origin origin = origin_of(is_tagged ? Face::kTaggedResource : Face::kResource, request,
                                    is_tagged ? detail::domain_info<Orders> : detail::domain_info<>);
    for (std::size_t left = draw_count(request.bytes + 1); left != 0; --left)
      enter(resource->allocate(request.bytes, request.alignment), request.bytes, origin);
  }

  static std::pmr::memory_resource* resource_of(bool is_tagged) {
    if (is_tagged) return flux::memory_resource<Orders>();
    return flux::memory_resource();
  }

  void allocate_from_provider() {
    const bool is_book = input_.below(2) == 1;
    const std::size_t size = is_book ? sizeof(Book) : sizeof(Quote);
    const unsigned size_class = detail::size_class_of(size, is_book ? 64 : 8, detail::kLargestObject);
    const Origin origin =
        is_book ? Origin{Face::kBooks, nullptr, 1, 64, &detail::domain_info<Books::tag>, size_class}
                : Origin{Face::kQuotes, nullptr, 1, 8, &detail::domain_info<Quotes::tag>, size_class};
    for (std::size_t left = draw_count(size); left != 0; --left)
      enter(is_book ? Books::alloc_raw() : Quotes::alloc_raw(), size, origin);
  }

  void free(const Block& block) {
    const Origin& origin = block.origin;
    void* const p = block.address;
    switch (origin.face) {
      case Face::kOne:
        return block.mark % 2 == 0 ? origin.kind->deallocate(p, 1) : origin.kind->deallocate_one(p);
      case Face::kArray:
        return origin.kind->deallocate(p, origin.count);
      case Face::kRaw: {
        const auto requested = requested_.extract(p);
        return block.mark % 2 == 0 ? flux::deallocate(p)
                                   : flux::deallocate(p, requested.mapped(), origin.alignment);
      }
      case Face::kResource:
        return resource_of(false)->deallocate(p, block.bytes, origin.alignment);
      case Face::kTaggedResource:
        return resource_of(true)->deallocate(p, block.bytes, origin.alignment);
      case Face::kQuotes:
        return Quotes::free_raw(p);
      case Face::kBooks:
        return Books::free_raw(p);
    }
  }

  std::size_t draw_number() { return blocks_.is_empty() ? 0 : input_.below(blocks_.size()); }

  /// From some block on: as they came, or the newest first, or here and there.
  void free_some() {
    const std::size_t order = input_.below(3);
    std::size_t left = std::min(input_.count(4096), blocks_.size());
    for (std::size_t n = draw_number(); left != 0; --left) {
      if (order == 0) n = blocks_.size() - 1;
      if (order == 2) n = n * 31 + 7;
      free(blocks_.take(n));
    }
  }

  void free_burst() {
    const Kind& kind = draw_kind();
    Objects objects;
    const auto is_of_kind = [&kind](const Block& block) {
      return block.origin.face == Face::kOne && block.origin.kind == &kind;
    };
    for (const Block& block : blocks_.take_all(is_of_kind, input_.count(4096)))
      objects.push_back(block.address);
    kind.deallocate_individual(objects);
  }

  void free_elsewhere() {
    if (threads_ == kMostThreads) return;
    ++threads_;
    std::vector<Block> taken;
    for (std::size_t left = std::min(input_.count(4096), blocks_.size()); left != 0; --left)
      taken.push_back(blocks_.take(draw_number()));
    const bool has_heap = input_.below(2) == 1;
    run_thread([&] {
      // What a thread without a heap frees goes home one by one.
      void* const own = has_heap && !is_failing_ ? flux::allocate(24) : nullptr;
      for (const Block& block : taken) free(block);
      flux::deallocate(own);
    });
  }

  void allocate_elsewhere() {
    if (threads_ == kMostThreads || is_failing_ || blocks_.size() > kMostBlocks) return;
    ++threads_;
    const Kind& kind = draw_kind();
    Objects objects;
    const std::size_t count = draw_count(kind.size);
    run_thread([&] {
      for (std::size_t left = count; left != 0; --left) objects.push_back(kind.allocate(1));
    });
    for (void* object : objects) enter(object, kind.size, one_of(kind));
  }

  void control() {
    constexpr std::array<std::size_t, 5> kLimits{0, 65'536, 1u << 20, 32u << 20, kHold};
    switch (input_.below(5)) {
      case 0:
        return flux::flush();
      case 1:
        flux::trim();
        return;
      case 2: {
        const std::size_t limit = kLimits[input_.below(kLimits.size())];
        flux::set_retention_limit(limit);
        return expect(flux::retention_limit() == limit, "a limit is not what was set");
      }
      case 3: {
        const std::size_t from = kLimits[input_.below(kLimits.size())];
        flux::set_huge_pages_from(from);
        return expect(flux::huge_pages_from() == from, "a limit is not what was set");
      }
      default:
        return blocks_.expect_all_intact();
    }
  }

  void reserve() {
    const Kind& kind = draw_kind();
    if (kind.domain == nullptr) return;
    kind.reserve(std::min<std::size_t>(draw_count(kind.size), (256u << 10) / kind.size));
  }

  void reserve_badly() {
    const std::size_t bytes = input_.magnitude(17);
    const std::size_t alignment = input_.below(20'000);
    const bool is_good =
        std::has_single_bit(alignment) && detail::size_class_of(bytes, alignment) != detail::kNoSizeClass;
    bool is_refused = false;
    try {
      flux::reserve(bytes, 1, alignment);
    } catch (const std::invalid_argument&) {
      is_refused = true;
    }
    expect(is_refused != is_good, "a reservation was refused, or granted, that should not be");
    if (std::has_single_bit(alignment)) return;
    is_refused = false;
    try {
      flux::deallocate(flux::allocate(bytes, alignment));
    } catch (const std::invalid_argument&) {
      is_refused = true;
    }
    expect(is_refused, "an alignment that is no power of two was taken");
  }

  void make_pages_fail() {
    const std::size_t how = input_.below(12);
    is_failing_ = how > 3;
    if (how <= 3) return pages_.fail_never();
    how % 2 == 0 ? pages_.fail_at(how / 2 - 1) : pages_.fail_from(how / 2 - 1);
  }

  void check() {
    expect_valid_heaps();
    blocks_.expect_all_intact();
    std::map<std::string_view, std::map<std::size_t, std::size_t>> live;
    std::set<const void*> addresses;
    for (const Block& block : blocks_.all()) {
      if (block.origin.domain == nullptr) continue;
      ++live[block.origin.domain->name][detail::stride_of(block.origin.size_class)];
      addresses.insert(block.address);
    }
    for (const DomainStatistics& domain : flux::stats().domains) {
      for (const ClassStatistics& each : domain.classes) {
        expect(each.live + each.free == each.objects, "statistics do not add up");
        expect(each.live == live[domain.tag][each.object_size],
               "statistics count other objects than there are");
      }
    }
    std::size_t visited = 0;
    flux::visit_all([&](const SlabView& slab) {
      visited += slab.for_each_live(
          [&](const void* object) { expect(addresses.contains(object), "a visit finds what is not live"); });
    });
    expect(visited == addresses.size(), "a visit leaves out what is live");
  }

  Input& input_;
  FailingPageSource& pages_;
  Model blocks_;
  std::map<void*, std::size_t> requested_;  ///< of flux::allocate
  bool is_failing_ = false;
  unsigned threads_ = 0;
};

}  // namespace
}  // namespace allocator_faces

void fuzz_allocator(Data data) {
  using namespace allocator_faces;
  const WithRetentionLimit retention(retention_limit());
  const WithHugePagesFrom huge_pages(huge_pages_from());
  run_in_new_world<Orders, Trades, Quotes::tag, Books::tag>([data](FailingPageSource& pages) {
    Input input(data);
    Run(input, pages).run();
  });
}

}  // namespace flux::test::fuzz
