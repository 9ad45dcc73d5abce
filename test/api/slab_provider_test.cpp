// A provider's slabs hold one type under one name; what it gives is as good as what `new` gives, and goes back.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <flux/flux.hpp>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/InChild.hpp"
#include "support/Pattern.hpp"
#include "support/PlainOnly.hpp"
#include "support/Quiet.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/StatisticsOf.hpp"
#include "support/Threads.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(slab_provider)

namespace {

using namespace flux::test;

struct Order {
  explicit Order(std::uint64_t number = 0) : id(number) {}

  std::uint64_t id;
  std::array<std::byte, 40> rest{};
};

template <std::size_t kBytes, std::size_t kAlignment = 1>
struct alignas(kAlignment) Blob {
  std::byte bytes[kBytes];
};

/// The units of 64 KiB that objects lie in, from their first byte to their last.
template <class T>
std::set<std::uintptr_t> units_of(const std::vector<T*>& objects) {
  std::set<std::uintptr_t> units;
  for (const T* object : objects) {
    const auto begin = reinterpret_cast<std::uintptr_t>(object);
    for (std::uintptr_t unit = begin / flux::detail::kUnitBytes;
         unit <= (begin + sizeof(T) - 1) / flux::detail::kUnitBytes; ++unit)
      units.insert(unit);
  }
  return units;
}

bool are_disjoint(const std::set<std::uintptr_t>& some, const std::set<std::uintptr_t>& others) {
  return std::ranges::none_of(some, [&](std::uintptr_t unit) { return others.contains(unit); });
}

bool are_pairwise_disjoint(const std::vector<std::set<std::uintptr_t>>& sets) {
  for (std::size_t i = 0; i != sets.size(); ++i)
    for (std::size_t j = 0; j != i; ++j)
      if (!are_disjoint(sets[i], sets[j])) return false;
  return true;
}

template <class Provider>
std::vector<typename Provider::value_type*> take_raw(std::size_t count) {
  std::vector<typename Provider::value_type*> storage(count);
  for (auto*& place : storage) place = static_cast<typename Provider::value_type*>(Provider::alloc_raw());
  return storage;
}

template <class Provider>
void free_raw(const std::vector<typename Provider::value_type*>& storage) {
  for (auto* place : storage) Provider::free_raw(place);
}

/// Takes some objects of a size, writes them from end to end, and frees every other one in between: none lies in
/// another, all keep what was written, and all are counted.
template <class T>
void check_size() {
  using Provider = flux::SlabProvider<T, "of every size">;
  run_thread([] {
    std::vector<T*> objects = take_raw<Provider>(9);
    const auto write = [](T* object) {
      write_mark(object, sizeof(T), reinterpret_cast<std::uintptr_t>(object));
    };
    std::ranges::for_each(objects, write);
    for (std::size_t i = 0; i < objects.size(); i += 2) {
      Provider::free_raw(objects[i]);
      objects[i] = static_cast<T*>(Provider::alloc_raw());
      write(objects[i]);
    }
    for (const T* object : objects) {
      BOOST_TEST(is_aligned(object, alignof(T)), sizeof(T));
      BOOST_TEST(has_mark(object, sizeof(T), reinterpret_cast<std::uintptr_t>(object)), sizeof(T));
    }
    const flux::DomainStatistics statistics = statistics_of<typename Provider::tag>();
    BOOST_TEST(statistics.classes.size() == 1u);
    BOOST_TEST(statistics.classes.front().object_size >= sizeof(T));
    BOOST_TEST(statistics.classes.front().live == objects.size());
    free_raw<Provider>(objects);
    BOOST_TEST(live_of<typename Provider::tag>() == 0u);
  });
}

/// Counts the objects there are, and throws on demand.
struct Counted {
  explicit Counted(bool throws = false) {
    if (throws) throw std::runtime_error("as asked");
    ++count;
  }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count; }

  static inline int count = 0;
  int value = 7;
};

struct Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(int number) : value(number) {}
  int value;
};

/// What a provider's function does when the n-th call for memory fails, and all that follow until it gives up.
struct Shortage {
  bool is_reached;  ///< the n-th call
  bool is_refused;
  std::size_t live;       ///< after a refusal
  std::size_t live_void;  ///< in flux::Allocator's slabs, likewise
  int count;              ///< of Counted, likewise
  bool works_later;
};

template <class Provider, class Make>
Shortage shortage_at(std::size_t n, Make make) {
  return in_child([=] {
    auto& pages = *new FailingPageSource;  // heaps live on in it
    Shortage result{};
    pages.fail_from(n);
    try {
      make();
    } catch (const std::bad_alloc&) {
      result.is_refused = true;
    }
    result.is_reached = pages.calls() >= n;
    pages.fail_never();
    result.live = live_of<typename Provider::tag>();
    result.live_void = live_of<void>();
    result.count = Counted::count;
    make();
    result.works_later = live_of<typename Provider::tag>() == 0 && pages.complaint().empty();
    return result;
  });
}

/// Has memory out at each call for it in turn; how often that made `make` fail.
template <class Provider, class Make>
std::size_t refuse_everywhere(Make make) {
  std::size_t refused = 0;
  for (std::size_t n = 1;; ++n) {
    const Shortage shortage = shortage_at<Provider>(n, make);
    BOOST_TEST(shortage.live == 0u);
    BOOST_TEST(shortage.live_void == 0u);
    BOOST_TEST(shortage.count == 0);
    BOOST_TEST(shortage.works_later);
    BOOST_TEST(shortage.is_refused == shortage.is_reached);
    refused += shortage.is_refused;
    if (!shortage.is_reached) return refused;
  }
}

/// Takes and frees up to `objects.size()` objects, in several orders, and touches all their pages.
template <class Provider>
void exercise(std::vector<void*>& objects, Random& random) {
  for (int round = 0; round != 6; ++round) {
    for (void*& object : objects) {
      object = Provider::alloc_raw();
      for (std::size_t at = 0; at < sizeof(typename Provider::value_type); at += 4096)
        static_cast<volatile std::byte*>(object)[at] = std::byte{1};
    }
    if (round % 2 != 0) std::ranges::shuffle(objects, random);
    if (round % 3 == 2) std::ranges::reverse(objects);
    for (void* object : objects) Provider::free_raw(object);
  }
}

/// Ends the process well when no call to the system is needed for what was reserved.
template <class Provider>
void exercise_without_calls(std::size_t count) {
  Random random;
  std::vector<void*> objects(count);
  Provider::reserve(count);
  if (!forbid_calls()) ::_exit(1);
  exercise<Provider>(objects, random);
  constexpr std::string_view kDone = "done";
  if (::write(STDERR_FILENO, kDone.data(), kDone.size()) != static_cast<ssize_t>(kDone.size())) ::_exit(1);
  ::_exit(0);
}

template <class Provider>
std::size_t faults_within(std::size_t count) {
  return in_child([count] {
    Random random;
    std::vector<void*> objects(count);
    exercise<Provider>(objects, random);  // so that its code is resident
    flux::trim();
    Provider::reserve(count);
    touch_stack();
    const std::size_t before = page_faults();
    exercise<Provider>(objects, random);
    return page_faults() - before;
  });
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  using Orders = flux::SlabProvider<Order, "orders of the example">;
  Orders::unique_ptr order = Orders::make(42u);
  std::shared_ptr<Order> shared = Orders::make_shared(43u);
  BOOST_TEST((order->id == 42u && shared->id == 43u));
  BOOST_TEST(live_of<Orders::tag>() == 2u);
}

BOOST_AUTO_TEST_CASE(its_slabs_hold_nothing_but_objects_of_its_type_and_name) {
  struct Tag;
  using Bids = flux::SlabProvider<Order, "bids">;
  using Asks = flux::SlabProvider<Order, "asks">;
  using Other = flux::SlabProvider<Blob<sizeof(Order)>, "bids">;
  run_thread([] {
    std::vector<Order*> bids, asks, plain, tagged;
    std::vector<Blob<sizeof(Order)>*> others;
    std::vector<void*> raw;
    std::vector<std::shared_ptr<Order>> shared;
    for (std::size_t round = 0; round != 30; ++round) {
      for (Order* order : take_raw<Bids>(100)) bids.push_back(order);
      for (Order* order : take_raw<Asks>(100)) asks.push_back(order);
      for (auto* other : take_raw<Other>(100)) others.push_back(other);
      for (std::size_t i = 0; i != 100; ++i) {
        plain.push_back(flux::Allocator<Order>{}.allocate(1));
        tagged.push_back(flux::Allocator<Order, Tag>{}.allocate(1));
        raw.push_back(flux::allocate(sizeof(Order)));
      }
      shared.push_back(Bids::make_shared());
    }
    std::vector<Order*> bids_and_shared = bids;
    for (const auto& order : shared) bids_and_shared.push_back(order.get());
    for (void* storage : raw) plain.push_back(static_cast<Order*>(storage));
    BOOST_TEST(are_pairwise_disjoint(
        {units_of(bids_and_shared), units_of(asks), units_of(others), units_of(plain), units_of(tagged)}));
    const flux::DomainStatistics statistics = statistics_of<Bids::tag>();
    BOOST_TEST(statistics.classes.size() == 1u);  // no counts of shared pointers either
    BOOST_TEST(statistics.classes.front().live == bids_and_shared.size());
    free_raw<Bids>(bids);
    free_raw<Asks>(asks);
    free_raw<Other>(others);
    for (void* storage : raw) flux::deallocate(storage, sizeof(Order));
    plain.resize(plain.size() - raw.size());
    for (Order* order : plain) flux::Allocator<Order>{}.deallocate(order, 1);
    for (Order* order : tagged) flux::Allocator<Order, Tag>{}.deallocate(order, 1);
  });
}

BOOST_AUTO_TEST_CASE(two_names_are_two_providers_and_so_are_two_types_under_one_name) {
  using A = flux::SlabProvider<int, "a">;
  using B = flux::SlabProvider<int, "b">;
  using C = flux::SlabProvider<long, "a">;
  static_assert(!std::is_same_v<A, B> && !std::is_same_v<A, C> && !std::is_same_v<A::tag, C::tag>);
  static_assert(!std::is_same_v<A::unique_ptr, B::unique_ptr>);
  static_assert(!std::is_convertible_v<A::unique_ptr, B::unique_ptr>);
  static_assert(std::is_same_v<A, flux::SlabProvider<int, "a">>);
  static_assert(std::is_empty_v<A> && std::is_same_v<A::value_type, int>);
  const A::unique_ptr a = A::make(1);
  const C::unique_ptr c1 = C::make(2), c2 = C::make(3);
  BOOST_TEST(live_of<A::tag>() == 1u);
  BOOST_TEST(live_of<C::tag>() == 2u);
  const auto is_a = [](const flux::DomainStatistics& domain) { return domain.tag == "a"; };
  BOOST_TEST(std::ranges::count_if(flux::stats().domains, is_a) == 2);
}

BOOST_AUTO_TEST_CASE(every_size_to_1_MiB_comes_whole_and_aligned) {
  check_size<Blob<1>>();
  check_size<Blob<8, 8>>();
  check_size<Blob<24>>();
  check_size<Blob<257>>();
  check_size<Blob<4096, 4096>>();
  check_size<Blob<(32 << 10) - 1>>();
  check_size<Blob<32 << 10>>();
  check_size<Blob<(32 << 10) + 1>>();
  check_size<Blob<(36 << 10) + 4096, 4096>>();
  check_size<Blob<64 << 10, 4096>>();
  check_size<Blob<100'000>>();
  check_size<Blob<700'000>>();
  check_size<Blob<(1 << 20) - 4096, 4096>>();
  check_size<Blob<1 << 20>>();
  check_size<Blob<1 << 20, 4096>>();
}

BOOST_AUTO_TEST_CASE(make_gives_a_pointer_of_one_words_size_that_destroys_and_frees) {
  using Provider = flux::SlabProvider<Counted, "counted">;
  static_assert(sizeof(Provider::unique_ptr) == sizeof(void*));
  static_assert(std::is_empty_v<Provider::Deleter>);
  {
    Provider::unique_ptr one = Provider::make();
    Provider::unique_ptr other = Provider::make(false);
    BOOST_TEST(Counted::count == 2);
    BOOST_TEST(live_of<Provider::tag>() == 2u);
    other = std::move(one);
    BOOST_TEST(Counted::count == 1);
    BOOST_TEST(other->value == 7);
    const std::shared_ptr<Counted> shared = std::move(other);  // any shared pointer takes it
    BOOST_TEST(shared->value == 7);
  }
  BOOST_TEST(Counted::count == 0);
  BOOST_TEST(live_of<Provider::tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(get_unique_default_initialises, *flux::test::plain_only()) {
  struct Plain {
    std::array<unsigned char, 64> bytes;
  };
  struct Half {
    int unset;
    int set = 5;
  };
  using Plains = flux::SlabProvider<Plain, "plains">;
  void* const storage = Plains::alloc_raw();
  for (std::size_t i = 0; i != sizeof(Plain); ++i) static_cast<volatile unsigned char*>(storage)[i] = 0x5A;
  Plains::free_raw(storage);
  const Plains::unique_ptr plain = Plains::get_unique();
  BOOST_REQUIRE((plain.get() == storage));
  const auto* const bytes = reinterpret_cast<volatile unsigned char*>(plain.get());
  BOOST_TEST(static_cast<int>(bytes[63]) == 0x5A);  // untouched
  BOOST_TEST((flux::SlabProvider<Half, "halves">::get_unique()->set == 5));
  BOOST_TEST((flux::SlabProvider<Counted, "counted">::get_unique()->value == 7));
  BOOST_TEST((flux::SlabProvider<int, "ints">::make()) != nullptr);
  BOOST_TEST(*(flux::SlabProvider<int, "ints">::make()) == 0);  // make value-initialises
}

BOOST_AUTO_TEST_CASE(types_that_neither_copy_nor_move_and_those_that_only_move_are_made_in_place) {
  struct Pinned {
    explicit Pinned(std::unique_ptr<int> given, int& reference)
        : value(std::move(given)), referred(reference) {}
    Pinned(Pinned&&) = delete;
    std::unique_ptr<int> value;
    int& referred;
  };
  int number = 3;
  using Pins = flux::SlabProvider<Pinned, "pins">;
  const Pins::unique_ptr pinned = Pins::make(std::make_unique<int>(5), number);
  BOOST_TEST(*pinned->value == 5);
  BOOST_TEST(&pinned->referred == &number);
  const auto moved = flux::SlabProvider<std::unique_ptr<int>, "moved">::make(std::make_unique<int>(6));
  BOOST_TEST(**moved == 6);
  const std::shared_ptr<Pinned> shared = Pins::make_shared(std::make_unique<int>(7), number);
  BOOST_TEST(*shared->value == 7);
}

BOOST_AUTO_TEST_CASE(make_shared_serves_weak_pointers_and_shared_from_this) {
  using Provider = flux::SlabProvider<Shared, "shared">;
  run_thread([] {
    std::shared_ptr<Shared> shared = Provider::make_shared(9);
    const std::weak_ptr<Shared> weak = shared;
    BOOST_TEST((shared->shared_from_this() == shared));
    BOOST_TEST(weak.lock()->value == 9);
    BOOST_TEST(live_of<Provider::tag>() == 1u);
    const std::size_t counts = live_of<void>();
    shared.reset();
    BOOST_TEST(weak.expired());
    BOOST_TEST(live_of<Provider::tag>() == 0u);  // the weak pointer keeps the counts alone
    BOOST_TEST(live_of<void>() == counts);
  });
}

BOOST_AUTO_TEST_CASE(a_constructor_that_throws_leaves_nothing_behind) {
  struct Thrower {
    Thrower() { throw std::runtime_error("always"); }
  };
  using Provider = flux::SlabProvider<Counted, "throwing">;
  using Throwers = flux::SlabProvider<Thrower, "throwers">;
  const std::size_t before = live_of<void>();
  for (int i = 0; i != 1000; ++i) {
    BOOST_REQUIRE_THROW(static_cast<void>(Provider::make(true)), std::runtime_error);
    BOOST_REQUIRE_THROW(static_cast<void>(Provider::make_shared(true)), std::runtime_error);
    BOOST_REQUIRE_THROW(static_cast<void>(Throwers::get_unique()), std::runtime_error);
  }
  BOOST_TEST(Counted::count == 0);
  BOOST_TEST(live_of<Provider::tag>() == 0u);
  BOOST_TEST(live_of<Throwers::tag>() == 0u);
  BOOST_TEST(live_of<void>() == before);
}

BOOST_AUTO_TEST_CASE(memory_that_is_out_at_any_call_for_it_leaves_nothing_behind) {
  using Small = flux::SlabProvider<Counted, "short of memory">;
  using Large = flux::SlabProvider<Blob<1 << 20>, "short of memory">;
  // The heap's piece and first block; for large ones the block of the slab besides.
  BOOST_TEST(refuse_everywhere<Small>([] { static_cast<void>(Small::make()); }) >= 2u);
  BOOST_TEST(refuse_everywhere<Small>([] { static_cast<void>(Small::get_unique()); }) >= 2u);
  BOOST_TEST(refuse_everywhere<Large>([] { Large::free_raw(Large::alloc_raw()); }) >= 3u);
  // The counts' heap as well: then the object is there already.
  BOOST_TEST(refuse_everywhere<Small>([] { static_cast<void>(Small::make_shared()); }) >= 4u);
}

BOOST_AUTO_TEST_CASE(any_thread_frees_also_after_the_owner_ended) {
  using Orders = flux::SlabProvider<Order, "of any thread">;
  using Blobs = flux::SlabProvider<Blob<100'000>, "of any thread">;
  std::vector<Orders::unique_ptr> orders;
  std::vector<Blobs::unique_ptr> blobs;
  std::mutex mutex;
  run_threads(4, [&](std::size_t) {
    for (std::size_t i = 0; i != scaled(2000); ++i) {
      Orders::unique_ptr order = Orders::make(i);
      Blobs::unique_ptr blob = i % 100 == 0 ? Blobs::get_unique() : nullptr;
      const std::lock_guard lock(mutex);
      orders.push_back(std::move(order));
      if (blob != nullptr) blobs.push_back(std::move(blob));
      if (orders.size() < 100) continue;
      orders[i % orders.size()].reset();  // whose ever it is
      blobs.erase(blobs.begin(), blobs.begin() + static_cast<std::ptrdiff_t>(blobs.size() / 2));
    }
  });
  const auto left = std::ranges::count_if(orders, [](const auto& order) { return order != nullptr; });
  BOOST_TEST(live_of<Orders::tag>() == static_cast<std::size_t>(left));
  BOOST_TEST(live_of<Blobs::tag>() == blobs.size());
  run_threads(3, [&](std::size_t index) {
    for (std::size_t i = index; i < orders.size(); i += 3) orders[i].reset();
    for (std::size_t i = index; i < blobs.size(); i += 3) blobs[i].reset();
  });
  BOOST_TEST(live_of<Orders::tag>() == 0u);
  BOOST_TEST(live_of<Blobs::tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(statistics_show_its_name) {
  using Provider = flux::SlabProvider<Order, "a name of its own">;
  const Provider::unique_ptr order = Provider::make();
  BOOST_TEST(statistics_of<Provider::tag>().tag == "a name of its own");
}

BOOST_AUTO_TEST_CASE(what_was_reserved_takes_no_page_fault_and_calls_the_system_for_nothing) {
  if (is_instrumented()) return;
  using Small = flux::SlabProvider<Blob<64>, "reserved">;
  using Large = flux::SlabProvider<Blob<100'000>, "reserved">;
  using Largest = flux::SlabProvider<Blob<1 << 20>, "reserved">;
  if (page_faults_count()) {
    BOOST_TEST(faults_within<Small>(20'000) == 0u);
    BOOST_TEST(faults_within<Large>(50) == 0u);
    BOOST_TEST(faults_within<Largest>(9) == 0u);
  }
  BOOST_TEST(death_of([] { exercise_without_calls<Small>(20'000); }).message == "done");
  BOOST_TEST(death_of([] { exercise_without_calls<Large>(50); }).message == "done");
  BOOST_TEST(death_of([] { exercise_without_calls<Largest>(9); }).message == "done");
}

BOOST_AUTO_TEST_CASE(to_reserve_nothing_is_nothing_and_more_than_there_is_is_refused) {
  using Provider = flux::SlabProvider<Blob<1 << 20>, "refused">;
  Provider::reserve(0);
  BOOST_TEST(statistics_of<Provider::tag>().heaps == 0u);
  BOOST_CHECK_THROW(Provider::reserve(SIZE_MAX / 2), std::bad_alloc);
  BOOST_TEST(live_of<Provider::tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(memory_of_large_objects_goes_back_by_trim) {
  using Provider = flux::SlabProvider<Blob<700'000>, "trimmed">;
  run_thread([] {
    free_raw<Provider>(take_raw<Provider>(20));
    const std::size_t retained = statistics_of<Provider::tag>().bytes_retained;
    BOOST_TEST(retained >= 9u * 2 << 20);
    BOOST_TEST(flux::trim() >= retained);
    BOOST_TEST(statistics_of<Provider::tag>().bytes_retained == 0u);
    BOOST_TEST(statistics_of<Provider::tag>().classes.empty());
  });
}

BOOST_AUTO_TEST_CASE(memory_of_large_objects_above_the_retention_limit_goes_back_by_itself) {
  using Provider = flux::SlabProvider<Blob<700'000>, "limited">;
  const WithRetentionLimit limit(std::size_t{4} << 20);
  run_thread([] {
    Random random;
    std::vector<Blob<700'000>*> blobs = take_raw<Provider>(60);
    std::ranges::shuffle(blobs, random);
    free_raw<Provider>(blobs);
    BOOST_TEST(statistics_of<Provider::tag>().bytes_retained <= std::size_t{6} << 20);
    BOOST_TEST(statistics_of<Provider::tag>().classes.front().slabs <= 2u);  // of the two in the bin
  });
  BOOST_TEST(statistics_of<Provider::tag>().bytes_retained <= std::size_t{4} << 20);
}

BOOST_AUTO_TEST_SUITE_END()
