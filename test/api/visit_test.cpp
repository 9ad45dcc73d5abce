// A visit finds the live objects, all of them and no other, wherever the free ones are.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <flux/flux.hpp>
#include <iomanip>
#include <locale>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/HeapObjects.hpp"
#include "support/InChild.hpp"
#include "support/ObjectSets.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/StatisticsOf.hpp"
#include "support/TagObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(visit)

namespace {

using namespace flux::test;
using flux::SlabView;
using flux::detail::kSizeClasses;
using flux::detail::stride_of;

constexpr unsigned kClass = kUsualClass;

/// Writes to objects what a chain through them must not be taken to hold: the address of one that stays live.
void fill(const Objects& objects, unsigned size_class) {
  for (void* object : objects)
    std::fill_n(static_cast<void**>(object), std::min<std::size_t>(stride_of(size_class) / sizeof(void*), 64),
                objects.front());
}

/// The live objects of a tag that a visit by the calling thread finds.
template <class Tag>
Objects live_objects() {
  Objects live;
  flux::visit<Tag>([&](const SlabView& slab) {
    slab.for_each_live([&](const void* object) { live.push_back(const_cast<void*>(object)); });
  });
  return live;
}

/// The same, by another thread.
template <class Tag>
Objects live_objects_from_outside() {
  Objects live;
  run_thread([&] { live = live_objects<Tag>(); });
  return live;
}

template <class Tag>
bool finds_exactly(const Objects& objects) {
  return is_same_set(live_objects<Tag>(), objects) && is_same_set(live_objects_from_outside<Tag>(), objects);
}

std::string hexadecimal(const void* address) {
  std::ostringstream out;
  out << address;
  return out.str();
}

/// What a report says of tags whose name ends like that, a line each.
std::vector<std::string> report_on(std::string_view tag, std::size_t most_addresses = 16) {
  std::ostringstream out;
  flux::report_leaks(out, most_addresses);
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);)
    if (line.find(std::string(tag) + (line.find("are live:") == line.npos ? ", is live:" : ", are live:")) !=
        line.npos)
      lines.push_back(line);
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  struct Sessions;
  flux::Allocator<long, Sessions> allocator;
  long* const session = allocator.allocate(1);
  std::size_t bytes = 0;
  flux::visit<Sessions>([&](const flux::SlabView& slab) { bytes += slab.live() * slab.object_size(); });
  BOOST_TEST(bytes == sizeof(long));
  std::ostringstream out;
  flux::report_leaks(out);
  BOOST_TEST(out.str().find("flux: 1 object of 8 bytes, tag ") != std::string::npos);
  BOOST_TEST(out.str().find("Sessions, is live: " + hexadecimal(session) + "\n") != std::string::npos);
  allocator.deallocate(session, 1);
}

BOOST_AUTO_TEST_CASE(objects_of_every_class_are_found_lowest_first_and_those_in_bins_are_not) {
  struct Tag;
  run_thread([] {
    Random random;
    Objects expected;
    std::vector<Objects> objects;
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      objects.push_back(take<Tag>(std::min<std::size_t>(300, (std::size_t{1} << 20) / stride_of(c) + 2), c));
      shuffle(objects[c], random);
      give<Tag>(split(objects[c], objects[c].size() / 2), c);
      append(expected, objects[c]);
    }
    BOOST_TEST(finds_exactly<Tag>(expected));
    std::size_t slabs = 0;
    flux::visit<Tag>([&](const SlabView& slab) {
      Objects live;
      const std::size_t count =
          slab.for_each_live([&](const void* object) { live.push_back(const_cast<void*>(object)); });
      const auto begin = reinterpret_cast<std::uintptr_t>(slab.begin());
      const bool is_sorted = std::ranges::is_sorted(live);
      const bool are_objects = std::ranges::all_of(live, [&](void* object) {
        const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(object) - begin;
        return offset % slab.object_size() == 0 && offset / slab.object_size() < slab.objects();
      });
      BOOST_TEST((is_sorted && are_objects && count == live.size() && count == slab.live()));
      BOOST_TEST(slab.tag().ends_with("Tag"));
      BOOST_TEST(slab.heap() == flux::detail::local_heap<Tag>.heap());
      BOOST_TEST(!slab.is_parked());
      ++slabs;
    });
    std::size_t counted = 0;
    for (const flux::ClassStatistics& of_class : statistics_of<Tag>().classes) counted += of_class.slabs;
    BOOST_TEST(slabs == counted);
    for (unsigned c = 0; c != kSizeClasses; ++c) give<Tag>(objects[c], c);
    BOOST_TEST(finds_exactly<Tag>({}));
  });
}

BOOST_AUTO_TEST_CASE(objects_on_their_way_home_are_not_found) {
  struct Tag;
  struct Other;
  run_thread([] {
    Random random;
    for (const unsigned c : {0u, 1u, 7u, 31u, 87u, 100u}) {
      Objects objects = take<Tag>(c < 50 ? 500 : 20, c);
      run_thread([&] {
        const Objects own = take<Other>(1);  // a thread is found through any heap it has
        shuffle(objects, random);
        for (const std::size_t count : {1u, 1u, 2u, 5u, 70u}) {  // in the outbox, and in the inbox as well
          if (count >= objects.size()) break;
          fill(objects, c);
          give<Tag>(split(objects, count), c);
          BOOST_TEST(finds_exactly<Tag>(objects), "class " << c);
        }
        give<Other>(own);
      });
      BOOST_TEST(finds_exactly<Tag>(objects), "class " << c);
      run_thread([&] {  // a thread that only frees
        give<Tag>(split(objects, 3), c);
        BOOST_TEST(finds_exactly<Tag>(objects), "class " << c);
      });
      BOOST_TEST(finds_exactly<Tag>(objects), "class " << c);
      append(objects, take<Tag>(100 * (c < 50), c));  // takes some of them home
      BOOST_TEST(finds_exactly<Tag>(objects), "class " << c);
      give<Tag>(objects, c);
      BOOST_TEST(finds_exactly<Tag>({}), "class " << c);
    }
  });
}

BOOST_AUTO_TEST_CASE(objects_that_came_and_wait_to_be_taken_home_are_not_found) {
  struct Tag;
  run_thread([] {
    Objects objects, alone;  // each of the latter beside one of the former
    for (int i = 0; i != 900; ++i) {
      append(objects, take<Tag>(1));
      append(alone, take<Tag>(1));
    }
    run_thread([&] {  // has a heap, so that they go in chains, fewer than make others help
      const Objects own = take<Tag>(1);
      give<Tag>(alone);
      give<Tag>(own);
    });
    const auto& bins = flux::detail::local_heap<Tag>.heap()->heap_bins();
    append(objects, take<Tag>(bins.count_remote(kClass) + 1));  // the refill takes home a part of them
    const flux::DomainStatistics statistics = statistics_of<Tag>();
    BOOST_TEST(statistics.chains_collected > 0u);
    BOOST_TEST(statistics.chains_collected < statistics.chains_posted);
    BOOST_TEST(finds_exactly<Tag>(objects));
    give<Tag>(objects);
  });
}

BOOST_AUTO_TEST_CASE(objects_of_parked_heaps_are_found_and_known_as_such) {
  struct Tag;
  Objects objects;
  run_thread([&] {
    objects = take<Tag>(30'000);
    give<Tag>(split(objects, 10));
  });
  BOOST_TEST(finds_exactly<Tag>(objects));
  std::size_t parked = 0, slabs = 0;
  flux::visit<Tag>([&](const SlabView& slab) {
    ++slabs;
    if (slab.is_parked()) ++parked;
  });
  BOOST_TEST(slabs > 20u);
  BOOST_TEST(parked == slabs);
  run_thread([&] { give<Tag>(objects); });
  BOOST_TEST(finds_exactly<Tag>({}));
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_that_memory_was_out_for_is_not_found) {
  const bool is_exact = in_child([] {
    struct Tag;
    auto& pages = *new FailingPageSource;  // heaps live on in it
    Objects objects = take<Tag>(100);
    pages.fail_from(1);
    bool exact = true;
    run_thread([&] {
      give<Tag>(split(objects, 10));
      exact = finds_exactly<Tag>(objects);
    });
    pages.fail_never();
    return exact && finds_exactly<Tag>(objects);
  });
  BOOST_TEST(is_exact);
}

BOOST_AUTO_TEST_CASE(what_the_thread_that_forked_has_on_the_way_is_not_found_in_the_child) {
  struct Tag;
  Objects objects;
  run_thread([&] { objects = take<Tag>(100); });
  run_thread([&] {
    const Objects first = take<Tag>(1);  // from the heap that the objects are of
    run_thread([&] { append(objects, take<Tag>(100)); });
    give<Tag>(first);
  });
  const Objects own = take<Tag>(1);  // of one of the two heaps, and so are half of the objects
  Random random;
  shuffle(objects, random);
  const Death death = death_of([&] {
    Objects left = joined(own, objects);
    bool exact = true;
    for (int i = 0; i != 20; ++i) {
      give<Tag>(split(left, 1));
      exact = exact && finds_exactly<Tag>(left);
    }
    if (exact) std::fputs("exact", stderr);
  });
  BOOST_TEST(death.message == "exact");
  give<Tag>(joined(own, objects));
}

BOOST_AUTO_TEST_CASE(a_visit_is_of_one_tag_and_visit_all_of_all) {
  struct One;
  struct Two;
  using Provider = flux::SlabProvider<int, "visited">;
  const Objects ones = take<One>(10);
  const Objects twos = take<Two>(20);
  const Provider::unique_ptr three = Provider::make();
  int* const plain = flux::Allocator<int>{}.allocate(1);
  BOOST_TEST(finds_exactly<One>(ones));
  BOOST_TEST(finds_exactly<Two>(twos));
  BOOST_TEST(finds_exactly<Provider::tag>({three.get()}));
  BOOST_TEST(std::ranges::count(live_objects<void>(), plain) == 1);
  std::set<const void*> all;
  flux::visit_all(
      [&](const SlabView& slab) { slab.for_each_live([&](const void* object) { all.insert(object); }); });
  for (const Objects& some : {ones, twos, Objects{three.get(), plain}})
    BOOST_TEST(std::ranges::all_of(some, [&](void* object) { return all.contains(object); }));
  flux::Allocator<int>{}.deallocate(plain, 1);
  give<One>(ones);
  give<Two>(twos);
}

BOOST_AUTO_TEST_CASE(whatever_threads_did_a_visit_finds_what_the_model_holds) {
  struct Tag;
  constexpr std::array<unsigned, 5> kClasses{0, 3, 30, 87, 90};
  std::array<Objects, kClasses.size()> live;
  Random random;
  for (std::size_t generation = 0; generation != scaled(30); ++generation) {
    std::array<std::array<Objects, kClasses.size()>, 3> shares;
    for (std::size_t c = 0; c != live.size(); ++c) {
      shuffle(live[c], random);
      for (auto& share : shares) share[c] = split(live[c], random.below(live[c].size() / 3 + 1));
    }
    std::array<std::array<Objects, kClasses.size()>, 3> made;
    run_threads(3, [&](std::size_t index) {
      Random mine(generation * 3 + index + 1);
      for (std::size_t c = 0; c != kClasses.size(); ++c) {
        made[index][c] = take<Tag>(mine.below(c < 3 ? 400 : 20), kClasses[c]);
        give<Tag>(shares[index][c], kClasses[c]);
      }
    });
    Objects all;
    for (std::size_t c = 0; c != live.size(); ++c) {
      for (auto& more : made) append(live[c], more[c]);
      append(all, live[c]);
    }
    BOOST_REQUIRE(finds_exactly<Tag>(all));
    BOOST_REQUIRE(live_of<Tag>() == all.size());
  }
  for (std::size_t c = 0; c != live.size(); ++c) give<Tag>(live[c], kClasses[c]);
  BOOST_TEST(finds_exactly<Tag>({}));
}

BOOST_AUTO_TEST_CASE(a_report_names_class_tag_count_and_addresses) {
  struct Leaky;
  Objects small = take<Leaky>(3);
  const Objects large = take<Leaky>(1, kSizeClasses - 1);
  std::vector<std::string> lines = report_on("Leaky");
  std::ranges::sort(lines);
  BOOST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(lines[0].starts_with("flux: 1 object of 1048576 bytes, tag "));
  BOOST_TEST(lines[0].ends_with("Leaky, is live: " + hexadecimal(large[0])));
  std::ranges::sort(small);
  BOOST_TEST(lines[1].starts_with("flux: 3 objects of 64 bytes, tag "));
  BOOST_TEST(lines[1].ends_with("Leaky, are live: " + hexadecimal(small[0]) + " " + hexadecimal(small[1]) +
                                " " + hexadecimal(small[2])));
  BOOST_TEST(report_on("Leaky", 3)[0].ends_with("...") == false);
  lines = report_on("Leaky", 2);
  std::ranges::sort(lines);
  BOOST_TEST(lines[1].ends_with(hexadecimal(small[0]) + " " + hexadecimal(small[1]) + " ..."));
  lines = report_on("Leaky", 0);
  BOOST_TEST(std::ranges::all_of(lines, [](const std::string& line) { return line.ends_with("live: ..."); }));
  give<Leaky>(small);
  give<Leaky>(large, kSizeClasses - 1);
  BOOST_TEST(report_on("Leaky").empty());
}

BOOST_AUTO_TEST_CASE(a_report_counts_the_objects_of_all_threads_in_one_line) {
  struct Leaky;
  std::array<Objects, 3> objects;
  run_threads(3, [&](std::size_t index) { objects[index] = take<Leaky>(10 * (index + 1)); });
  const std::vector<std::string> lines = report_on("Leaky");
  BOOST_REQUIRE(lines.size() == 1u);
  BOOST_TEST(lines[0].starts_with("flux: 60 objects of 64 bytes, tag "));
  BOOST_TEST(lines[0].ends_with(" ..."));
  for (const Objects& some : objects) give<Leaky>(some);
}

BOOST_AUTO_TEST_CASE(a_report_is_empty_and_0_when_nothing_is_live_and_else_the_total) {
  const std::array<std::size_t, 3> totals = in_child([] {
    struct Tag;
    std::ostringstream out;
    const std::size_t none = flux::report_leaks(out);
    give<Tag>(take<Tag>(100));
    const std::size_t none_again = flux::report_leaks(out) + out.str().size();
    take<Tag>(40'000);
    take<void>(2);
    return std::array{none, none_again, flux::report_leaks(out)};
  });
  BOOST_TEST(totals[0] == 0u);
  BOOST_TEST(totals[1] == 0u);
  BOOST_TEST(totals[2] == 40'002u);
}

BOOST_AUTO_TEST_CASE(a_report_is_plain_whatever_the_stream_is_set_to_and_the_tag_is_called) {
  using Provider = flux::SlabProvider<std::array<char, 4000>, "leaky \"a\\b\nc">;
  struct Grouping : std::numpunct<char> {
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const Provider::unique_ptr object = Provider::get_unique();
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new Grouping));
  out << std::hex << std::showbase << std::uppercase << std::left << std::setfill('*') << std::setw(60);
  flux::report_leaks(out);
  BOOST_TEST(out.str().find("flux: 1 object of 4096 bytes, tag leaky \"a\\b?c, is live: " +
                            hexadecimal(object.get()) + "\n") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
