// A checked build ends every misuse of the table at the wrong call, and says what is wrong and with which object. Each row
// runs in a process of its own. What plain builds notice as well, some operations later, is said in the table.
#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <flux/flux.hpp>
#include <list>
#include <map>
#include <memory_resource>
#include <ostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "support/Death.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(misuse)

namespace {

using namespace flux::test;

struct Order {
  long words[5];
};
struct Other {
  long words[9];
};
template <std::size_t bytes>
struct Packed {
  char characters[bytes];
};
struct Orders;
struct Trades;

template <class T, class Tag = void>
T* one() {
  return flux::Allocator<T, Tag>().allocate(1);
}
template <class T, class Tag = void>
void free_one(T* p) {
  flux::Allocator<T, Tag>().deallocate(p, 1);
}
template <class Action>
void on_another_thread(Action action) {
  std::thread(action).join();
}
void* as_order(void* p) { return p; }

using Provider = flux::SlabProvider<Order, "Orders">;
using Namesake = flux::SlabProvider<Other, "Others">;

/// More than a bin or a chain holds, so that what was freed has gone home.
constexpr std::size_t kMany = 5'000;

std::vector<Order*> many(std::size_t count = kMany) {
  std::vector<Order*> orders(count);
  for (Order*& order : orders) order = one<Order>();
  return orders;
}
void free_all(const std::vector<Order*>& orders) {
  for (Order* const order : orders) free_one(order);
}

/// So that no slab is whole again.
void free_every_second(const std::vector<Order*>& orders) {
  for (std::size_t i = 0; i < orders.size(); i += 2) free_one(orders[i]);
}

/// Of what another thread freed, each beside a live one. The first word of some is a link, and the second names another.
void overwrite_a_byte_of_a_link(std::size_t byte) {
  static_cast<void>(many());  // the owner is at work: nobody takes the objects home for it
  const auto orders = many(130);
  on_another_thread([&] {
    free_one(one<Order>());  // with a heap of its own a thread sends chains, and not each object by itself
    free_every_second(orders);
  });
  for (std::size_t i = 0; i < orders.size(); i += 2) reinterpret_cast<unsigned char*>(orders[i])[byte] ^= 1;
  static_cast<void>(many());
}

struct Row {
  const char* name;
  const char* reason;
  void (*misuse)();
};

constexpr const char* kDouble = "double free";
constexpr const char* kNone = "no memory of flux's lies there";
constexpr const char* kNoObject = "an address that no object lies at";
constexpr const char* kInside = "inside of an object";
constexpr const char* kSize = "another size";
constexpr const char* kTag = "another tag";
constexpr const char* kNever = "never allocated";
constexpr const char* kBeyond = "written to beyond its end";
constexpr const char* kWritten = "written to after it had been freed";
constexpr const char* kLink = "its link leads nowhere";

const Row kRows[] = {
    {"twice_in_a_row", kDouble,
     [] {
       Order* const order = one<Order>();
       free_one(order);
       free_one(order);
     }},
    {"twice_with_others_between", kDouble,
     [] {
       const auto orders = many(20);
       free_all(orders);
       free_one(orders[7]);
     }},
    {"twice_after_it_went_home", kDouble,
     [] {
       const auto orders = many();
       free_every_second(orders);
       free_one(orders[0]);
     }},
    {"twice_after_the_slab_was_retired", kNoObject,
     [] {
       const auto orders = many();
       free_all(orders);
       flux::trim();
       free_one(orders[kMany - 1]);
     }},
    {"twice_after_the_slab_was_cut_for_another_size", kSize,
     [] {
       const auto orders = many();
       Order* const stale = orders[kMany / 2];
       free_all(orders);
       flux::trim();
       std::vector<Other*> others(kMany * 2);
       for (Other*& other : others) other = one<Other>();
       for (Other* const other : others) {
         if (static_cast<void*>(other) == static_cast<void*>(stale)) return free_one(stale);
       }
       // None begins just there: the first object of the first slab does, for both.
       free_one(reinterpret_cast<Order*>(others[0]));
     }},
    {"twice_by_another_thread", kDouble,
     [] {
       Order* const order = one<Order>();
       free_one(order);
       on_another_thread([order] { free_one(order); });
     }},
    {"first_by_another_thread", kDouble,
     [] {
       Order* const order = one<Order>();
       on_another_thread([order] { free_one(order); });
       free_one(order);
     }},
    {"twice_by_a_thread_that_did_not_allocate_it", kDouble,
     [] {
       Order* const order = one<Order>();
       on_another_thread([order] {
         free_one(order);
         free_one(order);
       });
     }},
    {"by_two_threads_that_did_not_allocate_it", kDouble,
     [] {
       Order* const order = one<Order>();
       on_another_thread([order] { free_one(order); });
       on_another_thread([order] { free_one(order); });
     }},
    {"while_the_first_free_is_in_a_chain", kDouble,
     [] {
       const auto orders = many(10);
       on_another_thread([&] {
         free_all(orders);
         free_one(orders[3]);
       });
     }},
    {"while_the_first_free_is_in_an_inbox", kDouble,
     [] {
       const auto orders = many(640);
       on_another_thread([&] { free_all(orders); });
       free_one(orders[70]);
     }},
    {"after_the_owner_ended", kDouble,
     [] {
       Order* order = nullptr;
       on_another_thread([&order] { order = one<Order>(); });
       free_one(order);
       free_one(order);
     }},
    {"of_an_address_inside_an_object", kInside,
     [] {
       Order* const order = one<Order>();
       free_one(reinterpret_cast<Order*>(&order->words[1]));
     }},
    {"of_an_address_one_byte_off", kInside,
     [] {
       Order* const order = one<Order>();
       free_one(reinterpret_cast<Order*>(reinterpret_cast<std::uintptr_t>(order) + 1));
     }},
    {"of_the_last_byte_of_an_object", kInside,
     [] {
       Order* const order = one<Order>();
       free_one(reinterpret_cast<Order*>(reinterpret_cast<std::uintptr_t>(order + 1) - 1));
     }},
    {"inside_by_another_thread", kInside,
     [] {
       Order* const order = one<Order>();
       on_another_thread([order] { free_one(reinterpret_cast<Order*>(&order->words[2])); });
     }},
    {"of_the_stack", kNone,
     [] {
       Order order{};
       free_one(&order);
     }},
    {"of_a_static_object", kNone,
     [] {
       static Order order{};
       free_one(&order);
     }},
    {"of_operator_new", kNone, [] { free_one(static_cast<Order*>(::operator new(sizeof(Order)))); }},
    {"of_malloc", kNone, [] { free_one(static_cast<Order*>(std::malloc(sizeof(Order)))); }},
    {"of_a_null_pointer", kNone, [] { free_one(static_cast<Order*>(nullptr)); }},
    {"of_a_made_up_address", kNone,
     [] { free_one(reinterpret_cast<Order*>(std::uintptr_t{0x1234'5678'9AB8})); }},
    {"of_a_region_s_header", kNoObject,
     [] {
       const std::uintptr_t order = reinterpret_cast<std::uintptr_t>(one<Order>());
       free_one(reinterpret_cast<Order*>(order & ~(flux::detail::kRegionBytes - 1)));
     }},
    {"of_a_region_s_unused_part", kNoObject,
     [] {
       const std::uintptr_t order = reinterpret_cast<std::uintptr_t>(one<Order>());
       free_one(reinterpret_cast<Order*>((order | (flux::detail::kRegionBytes - 1)) - 4095));
     }},
    {"of_an_object_that_was_never_allocated", kNever, [] { free_one(one<Order>() + 1000); }},
    {"of_an_array", kNone, [] { free_one(flux::Allocator<Order>().allocate(2)); }},
    {"of_an_object_as_an_array", kSize, [] { flux::Allocator<Order>().deallocate(one<Order>(), 2); }},
    {"with_a_larger_type", kSize, [] { free_one(static_cast<Other*>(as_order(one<Order>()))); }},
    {"with_a_smaller_type", kSize, [] { free_one(static_cast<Order*>(as_order(one<Other>()))); }},
    {"with_another_type_by_another_thread", kSize,
     [] {
       Order* const order = one<Order>();
       on_another_thread([order] { free_one(static_cast<Other*>(as_order(order))); });
     }},
    {"with_another_tag", kTag, [] { free_one<Order, Trades>(one<Order, Orders>()); }},
    {"with_a_tag", kTag, [] { free_one<Order, Orders>(one<Order>()); }},
    {"without_its_tag", kTag, [] { free_one<Order>(one<Order, Orders>()); }},
    {"by_another_provider", kTag, [] { Namesake::free_raw(Provider::alloc_raw()); }},
    {"twice_by_a_provider", kDouble,
     [] {
       void* const storage = Provider::alloc_raw();
       Provider::free_raw(storage);
       Provider::free_raw(storage);
     }},
    {"of_a_provider_s_as_raw_memory", kTag, [] { flux::deallocate(Provider::alloc_raw(), sizeof(Order)); }},
    {"through_a_memory_resource_with_another_size", kSize,
     [] { flux::memory_resource()->deallocate(flux::memory_resource()->allocate(40), 56); }},
    {"through_a_memory_resource_with_a_size_beyond_slabs", kSize,
     [] { flux::memory_resource()->deallocate(flux::memory_resource()->allocate(40), 1 << 20); }},
    {"through_a_memory_resource_twice", kDouble,
     [] {
       void* const p = flux::memory_resource()->allocate(300);
       flux::memory_resource()->deallocate(p, 300);
       flux::memory_resource()->deallocate(p, 300);
     }},
    {"of_raw_memory_twice", kDouble,
     [] {
       void* const p = flux::allocate(100);
       flux::deallocate(p, 100);
       flux::deallocate(p, 100);
     }},
    {"of_raw_memory_twice_without_its_size", kDouble,
     [] {
       void* const p = flux::allocate(100);
       flux::deallocate(p);
       flux::deallocate(p);
     }},
    {"of_raw_memory_with_another_size", kSize, [] { flux::deallocate(flux::allocate(100), 200); }},
    {"of_raw_memory_with_a_size_beyond_slabs", kSize, [] { flux::deallocate(flux::allocate(100), 100'000); }},
    {"of_raw_memory_with_another_size_of_its_class", kSize,
     [] { flux::deallocate(flux::allocate(100), 101); }},
    {"of_raw_memory_with_the_whole_of_its_class", kSize, [] { flux::deallocate(flux::allocate(100), 104); }},
    {"of_a_whole_object_with_less", kSize, [] { flux::deallocate(flux::allocate(104), 100); }},
    {"with_another_alignment_of_its_class", kSize, [] { flux::deallocate(flux::allocate(40, 64), 64, 64); }},
    {"with_another_size_of_a_coarse_class", kSize, [] { flux::deallocate(flux::allocate(30'000), 30'001); }},
    {"of_no_bytes_with_some", kSize,
     [] { flux::memory_resource()->deallocate(flux::memory_resource()->allocate(0), 1); }},
    {"with_a_type_of_its_class", kSize,
     [] { free_one(static_cast<Packed<33>*>(static_cast<void*>(one<Packed<34>>()))); }},
    {"with_another_size_by_another_thread", kSize,
     [] {
       void* const p = flux::allocate(100);
       on_another_thread([p] { flux::deallocate(p, 99); });
     }},
    {"with_another_size_after_the_owner_ended", kSize,
     [] {
       void* p = nullptr;
       on_another_thread([&p] { p = flux::allocate(100); });
       flux::deallocate(p, 99);
     }},
    {"to_a_heap_with_another_size_of_its_class", kSize,
     [] {
       flux::Heap heap;
       heap.deallocate(heap.allocate(35), 36);
     }},
    {"written_to_by_a_byte_beyond_its_end", kBeyond,
     [] {
       char* const text = static_cast<char*>(flux::allocate(99));
       text[99] = '!';
       flux::deallocate(text, 99);
     }},
    {"written_to_by_a_byte_where_there_is_one_more", kBeyond,
     [] {
       char* const text = static_cast<char*>(flux::allocate(103));
       text[103] = 0;
       flux::deallocate(text, 103);
     }},
    {"written_to_far_beyond_its_end", kBeyond,
     [] {
       char* const text = static_cast<char*>(flux::allocate(30'000));
       text[30'700] = '!';
       flux::deallocate(text);
     }},
    {"of_a_buffer_with_a_byte_beyond_its_end", kBeyond,
     [] {
       flux::BufferPool pool({.classes = {100}, .zeroing = flux::Zeroing::kNone});
       flux::Buffer buffer = pool.get(100);
       buffer.data()[100] = std::byte{1};
     }},
    {"asked_for_its_size_when_it_is_free", "no live object begins there",
     [] {
       void* const p = flux::allocate(61);
       flux::deallocate(p, 61);
       static_cast<void>(flux::usable_size(p));
     }},
    {"asked_for_its_size_inside", "no live object begins there",
     [] { static_cast<void>(flux::usable_size(static_cast<char*>(flux::allocate(61)) + 8)); }},
    {"inside_raw_memory_without_its_size", kInside,
     [] { flux::deallocate(static_cast<char*>(flux::allocate(100)) + 8); }},
    {"to_a_heap_what_is_not_its_own", "does not lie in this flux::Heap",
     [] {
       flux::Heap heap;
       heap.deallocate(one<Order>(), sizeof(Order));
     }},
    {"to_another_heap", "does not lie in this flux::Heap",
     [] {
       flux::Heap heap, other;
       other.deallocate(heap.allocate(40), 40);
     }},
    {"from_a_heap_to_an_allocator", "it lies in a flux::Heap",
     [] {
       flux::Heap heap;
       free_one(static_cast<Order*>(heap.allocate(sizeof(Order))));
     }},
    {"to_a_heap_twice", kDouble,
     [] {
       flux::Heap heap;
       void* const p = heap.allocate(40);
       heap.deallocate(p, 40);
       heap.deallocate(p, 40);
     }},
    {"to_a_heap_after_release", kNoObject,
     [] {
       flux::Heap heap;
       void* const p = heap.allocate(40);
       heap.release();
       heap.deallocate(p, 40);
     }},
    {"to_a_heap_with_another_size", kSize,
     [] {
       flux::Heap heap;
       heap.deallocate(heap.allocate(40), 400);
     }},
    {"of_a_heap_s_large_block_twice", "free already",
     [] {
       flux::Heap heap;
       void* const p = heap.allocate(100'000);
       void* const keeps = heap.allocate(100'000);
       heap.deallocate(p, 100'000);
       heap.deallocate(p, 100'000);
       heap.deallocate(keeps, 100'000);
     }},
    {"a_write_after_free", kWritten,
     [] {
       Order* const order = one<Order>();
       free_one(order);
       order->words[3] = 1;
       static_cast<void>(one<Order>());
     }},
    {"a_write_of_one_bit_after_free", kWritten,
     [] {
       auto* const order = reinterpret_cast<unsigned char*>(one<Order>());
       free_one(reinterpret_cast<Order*>(order));
       order[39] ^= 1;
       static_cast<void>(one<Order>());
     }},
    {"a_write_after_free_seen_when_its_slab_is_used_again", kWritten,
     [] {
       const auto orders = many();
       free_every_second(orders);
       orders[100]->words[0] = 7;
       static_cast<void>(many());
     }},
    {"a_write_after_another_thread_freed_it", kWritten,
     [] {
       const auto orders = many(640);
       on_another_thread([&] { free_all(orders); });
       orders[9]->words[4] = 7;  // not a carrier's links: they lie at the front of some
       static_cast<void>(many());
     }},
    {"a_write_to_an_element_that_was_erased", kWritten,
     [] {
       std::list<long, flux::Allocator<long>> list{1, 2, 3};
       long& gone = list.front();
       list.pop_front();
       gone = 9;
       list.push_back(4);
     }},
    {"a_link_that_was_overwritten", kLink,
     [] {
       static_cast<void>(many());  // the owner is at work: nobody takes the objects home for it
       const auto orders = many(130);
       on_another_thread([&] {
         free_one(
             one<Order>());  // with a heap of its own a thread sends chains, and not each object by itself
         free_all(orders);
       });
       for (Order* const order : orders) order->words[0] = 0x1000;  // the first word of carriers is a link
       static_cast<void>(many());
     }},
    {"a_byte_of_a_link_that_was_overwritten.4", kLink, [] { overwrite_a_byte_of_a_link(4); }},
    {"a_byte_of_a_link_that_was_overwritten.6", kLink, [] { overwrite_a_byte_of_a_link(6); }},
    {"a_byte_of_a_link_that_was_overwritten.7", kLink, [] { overwrite_a_byte_of_a_link(7); }},
    {"a_byte_of_a_link_that_was_overwritten.14", kLink, [] { overwrite_a_byte_of_a_link(14); }},
    {"a_byte_of_a_link_that_was_overwritten.15", kLink, [] { overwrite_a_byte_of_a_link(15); }},
    {"a_buffer_written_to_after_its_end", kWritten,
     [] {
       flux::BufferPool pool({.classes = {64}, .zeroing = flux::Zeroing::kNone});
       std::byte* data = nullptr;
       {
         flux::Buffer buffer = pool.get(64);
         data = buffer.data();
       }
       data[8] = std::byte{1};
       const flux::Buffer again = pool.get(64);
     }},
    {"by_the_burst_interface_twice", kDouble,
     [] {
       flux::BurstAllocator<Order> allocator;
       Order* const order = allocator.allocate_one();
       allocator.deallocate_one(order);
       allocator.deallocate_one(order);
     }},
};

/// Whether a row ended as it should. AddressSanitizer tells of writes itself, where they happen.
[[maybe_unused]] bool is_seen(const Row& row, const Death& death) {
  const std::string reason = row.reason;
  const bool is_write = reason == kWritten || reason == kBeyond || reason == kLink;
  if (FLUX_ADDRESS_SANITIZER && is_write && death.message.find("use-after-poison") != std::string::npos)
    return true;
  return death.signal == SIGABRT && death.message.find(reason) != std::string::npos;
}

[[maybe_unused]] flux::Misuse last_misuse{};
[[maybe_unused]] std::size_t misuses = 0;

}  // namespace

#if FLUX_CHECKED

BOOST_AUTO_TEST_CASE(every_misuse_of_the_table_is_ended_with_its_reason) {
  BOOST_TEST(std::size(kRows) >= 40u);
  for (const Row& row : kRows) {
    const Death death = death_of(row.misuse);
    BOOST_TEST(is_seen(row, death), row.name << ": " << death.signal << ' ' << death.message);
  }
}

BOOST_AUTO_TEST_CASE(a_misuse_is_told_with_operation_address_size_and_tag) {
  const Death death = death_of([] {
    Order* const order = one<Order, Orders>();
    std::fprintf(stderr, "%p\n", static_cast<void*>(order));
    free_one<Order, Orders>(order);
    free_one<Order, Orders>(order);
  });
  const std::string address = death.message.substr(0, death.message.find('\n'));
  BOOST_TEST(death.message.find("flux: free of " + address + ": double free") != std::string::npos);
  BOOST_TEST(death.message.find("(an object of 40 bytes, tag ") != std::string::npos);
  BOOST_TEST(death.message.find("Orders") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_handler_that_returns_has_the_program_go_on_without_the_operation) {
  const flux::MisuseHandler before = flux::set_misuse_handler([](const flux::Misuse& misuse) {
    last_misuse = misuse;
    ++misuses;
  });
  Order* const order = one<Order>();
  free_one(order);
  free_one(order);
  BOOST_TEST(misuses == 1u);
  BOOST_TEST(last_misuse.address == order);
  BOOST_TEST(last_misuse.object_size == 40u);
  BOOST_TEST(std::string(last_misuse.operation) == "free");
  BOOST_TEST(std::string(last_misuse.tag) == "default");
  free_one(static_cast<Other*>(as_order(one<Order>())));
  BOOST_TEST(misuses == 2u);
  std::list<long, flux::Allocator<long>> list(10'000);
  list.clear();
  BOOST_TEST(misuses == 2u);
  BOOST_TEST(flux::set_misuse_handler(before) != nullptr);
}

template <std::size_t bytes>
bool is_taken_back() {
  flux::SlabProvider<Packed<bytes>, "sizes">::free_raw(
      flux::SlabProvider<Packed<bytes>, "sizes">::alloc_raw());
  void* const p = flux::allocate(bytes % 40'000);
  const bool is_exact =
      bytes % 40'000 > flux::detail::kLargestSmallObject || flux::usable_size(p) == bytes % 40'000;
  flux::deallocate(p, bytes % 40'000);
  return is_exact;
}

BOOST_AUTO_TEST_CASE(sizes_just_above_and_below_those_of_classes_are_taken_back) {
  BOOST_TEST((is_taken_back<1>() && is_taken_back<7>() && is_taken_back<9>() && is_taken_back<257>()));
  BOOST_TEST((is_taken_back<4'097>() && is_taken_back<28'673>() && is_taken_back<32'769>()));
  BOOST_TEST((is_taken_back<131'073>() && is_taken_back<262'145>() && is_taken_back<524'289>()));
  BOOST_TEST((is_taken_back<524'296>() && is_taken_back<557'057>() && is_taken_back<983'041>()));
}

BOOST_AUTO_TEST_CASE(threads_may_ask_for_the_size_of_one_object_at_once) {
  void* const p = flux::allocate(61);
  std::atomic<std::size_t> wrong{0};
  run_threads(4, [&](std::size_t) {
    for (int i = 0; i != 20'000; ++i) wrong += flux::usable_size(p) != 61;
  });
  BOOST_TEST(wrong == 0u);
  flux::deallocate(p, 61);
}

BOOST_AUTO_TEST_CASE(a_program_may_have_poisoned_what_it_frees) {
  const Death death = death_of([] {
    char* const p = static_cast<char*>(flux::allocate(4096));
    flux::detail::close_free(p + 1024, 3072);
    flux::deallocate(p, 4096);
  });
  BOOST_TEST(death.signal == 0, death.message);
  BOOST_TEST(death.message == "");
}

BOOST_AUTO_TEST_CASE(an_object_that_two_threads_free_at_once_is_noticed) {
  for (int round = 0; round != 20; ++round) {
    BOOST_TEST(aborts_with("double free", [] {
      const auto orders = many(1'000);
      std::thread first([&] { free_all(orders); });
      std::thread second([&] { free_all(orders); });
      first.join();
      second.join();
    }));
  }
}

#else

BOOST_AUTO_TEST_CASE(a_plain_build_notices_what_comes_home_twice_or_wrong) {
  BOOST_TEST(aborts_with("double free", [] {
    const auto orders = many();
    free_all(orders);
    free_all(orders);
  }));
  BOOST_TEST(aborts_with("inside of an object", [] {
    for (Order* const order : many()) free_one(reinterpret_cast<Order*>(&order->words[1]));
  }));
  BOOST_TEST(aborts_with("another size", [] {
    for (Order* const order : many()) free_one(static_cast<Other*>(as_order(order)));
  }));
}

BOOST_AUTO_TEST_CASE(a_handler_is_told_before_a_plain_build_ends) {
  BOOST_TEST(aborts_with("told: double free", [] {
    flux::set_misuse_handler(
        [](const flux::Misuse& misuse) { std::fprintf(stderr, "told: %s\n", misuse.reason); });
    const auto orders = many();
    free_all(orders);
    free_all(orders);
  }));
}

#endif

BOOST_AUTO_TEST_CASE(a_checked_program_is_told_from_others) {
  BOOST_TEST(flux::kIsChecked == (FLUX_CHECKED != 0));
  BOOST_TEST(std::size(kRows) >= 40u);
}

BOOST_AUTO_TEST_SUITE_END()
