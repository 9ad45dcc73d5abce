// What statistics say is what there is: to the object while nothing moves, and possible at any other time.
#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <flux/flux.hpp>
#include <iomanip>
#include <locale>
#include <map>
#include <mutex>
#include <regex>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/AtThreadEnd.hpp"
#include "support/ObjectSets.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/StatisticsOf.hpp"
#include "support/TagObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(statistics)

namespace {

using namespace flux::test;
using flux::ClassStatistics;
using flux::DomainStatistics;
using flux::Statistics;
using flux::detail::kSizeClasses;
using flux::detail::kSizeClassInfo;
using flux::detail::stride_of;

constexpr unsigned kClass = kUsualClass;

/// What another thread sees.
template <class Tag>
DomainStatistics statistics_from_outside() {
  DomainStatistics statistics;
  run_thread([&] { statistics = statistics_of<Tag>(); });
  return statistics;
}

template <class Tag>
std::size_t live_from_outside(unsigned size_class = kClass) {
  return class_of(statistics_from_outside<Tag>(), stride_of(size_class)).live;
}

bool is_possible(const DomainStatistics& domain) {
  std::size_t bytes = 0;
  bool possible = domain.parked_heaps <= domain.heaps && domain.bytes_retained <= domain.bytes_committed &&
                  domain.bytes_committed <= domain.bytes_reserved;
  for (const ClassStatistics& objects : domain.classes) {
    possible = possible && objects.slabs != 0 && objects.live + objects.free == objects.objects &&
               objects.live <= objects.objects && objects.objects % objects.slabs == 0;
    bytes += objects.live * objects.object_size;
  }
  return possible && bytes == domain.bytes_live;
}

// Objects of two tags and some classes, and how many of each there are.
struct First;
struct Second;
struct Held {
  void* object;
  unsigned size_class;
  bool is_first;
};
constexpr std::array<unsigned, 8> kSomeClasses{0, 2, 7, 31, 60, 87, 88, 110};

class Model {
 public:
  Held take(Random& random) {
    const unsigned c = kSomeClasses[random.below(kSomeClasses.size())];
    const bool is_first = random.below(2) == 0;
    ++counts_[is_first][c];
    void* const object = is_first ? flux::detail::allocate<First>(c) : flux::detail::allocate<Second>(c);
    return {object, c, is_first};
  }
  void give(const Held& held) {
    --counts_[held.is_first][held.size_class];
    if (held.is_first) flux::detail::deallocate<First>(held.object, held.size_class);
    if (!held.is_first) flux::detail::deallocate<Second>(held.object, held.size_class);
  }

  /// While nobody takes or gives: in how many numbers the statistics differ.
  std::size_t differences() const {
    return differences(statistics_of<First>(), counts_[true]) +
           differences(statistics_of<Second>(), counts_[false]);
  }

 private:
  using Counts = std::array<std::atomic<std::size_t>, kSizeClasses>;

  static std::size_t differences(const DomainStatistics& domain, const Counts& counts) {
    std::size_t different = is_possible(domain) ? 0 : 1;
    for (unsigned c = 0; c != kSizeClasses; ++c)
      if (class_of(domain, stride_of(c)).live != counts[c]) ++different;
    return different;
  }

  std::array<Counts, 2> counts_{};
};

/// Objects that threads hand to each other.
class Pool {
 public:
  void put(const Held& held) {
    const std::lock_guard lock(mutex_);
    held_.push_back(held);
  }
  bool get(Random& random, Held& held) {
    const std::lock_guard lock(mutex_);
    if (held_.empty()) return false;
    std::swap(held_[random.below(held_.size())], held_.back());
    held = held_.back();
    held_.pop_back();
    return true;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<Held> held_;
};

/// Takes or gives, so that there are some hundred objects.
void step(Model& model, Pool& pool, Random& random, bool may_take) {
  Held held{};
  if (may_take && random.below(600) >= pool.size()) {
    pool.put(model.take(random));
  } else if (pool.get(random, held)) {
    model.give(held);
  }
}

void give_all(Model& model, Pool& pool) {
  Random random;
  for (Held held{}; pool.get(random, held);) model.give(held);
}

// Statistics that no run would give, with tags that texts have to be careful with.
Statistics odd_statistics() {
  const DomainStatistics plain{"plain", {{8, 1, 8064, 12, 8052}, {1048576, 2, 4, 3, 1}},
                               3,       1,
                               3145824, 65536,
                               4194304, 34359738368,
                               7,       5,
                               4};
  const DomainStatistics odd{
      "a\"b\\c\nd\te", {{24, 1, 2730, 2730, 0}}, 1, 0, 65520, 0, 2097152, 33554432, 1, 0, 0};
  return {{plain, odd}};
}

struct Grouping : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

template <class Write>
std::string text_of(Write write) {
  std::ostringstream out;
  write(out);
  return out.str();
}

/// The same from a stream that is set up as oddly as can be.
template <class Write>
std::string odd_text_of(Write write) {
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new Grouping));
  out << std::hex << std::showbase << std::showpos << std::uppercase << std::left << std::setfill('*')
      << std::setw(60);
  write(out);
  BOOST_TEST((out.width() == 0 || out.width() == 60));
  return out.str();
}

// Reads a JSON text as strictly as this one needs; `strings` are those that were in it.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}

  bool is_whole() { return read_value() && rest_ == "\n"; }
  const std::vector<std::string>& strings() const { return strings_; }
  std::size_t numbers() const { return numbers_; }

 private:
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <class Read>
  bool read_list(char end, Read read) {
    if (skip(end)) return true;
    do {
      if (!read()) return false;
    } while (skip(','));
    return skip(end);
  }
  bool read_value() {
    if (skip('{')) return read_list('}', [this] { return read_string() && skip(':') && read_value(); });
    if (skip('[')) return read_list(']', [this] { return read_value(); });
    if (rest_.starts_with('"')) return read_string();
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    rest_.remove_prefix(digits);
    ++numbers_;
    return digits != 0;
  }
  bool read_string() {
    if (!skip('"')) return false;
    std::string& string = strings_.emplace_back();
    while (!rest_.starts_with('"')) {
      const bool is_escaped = skip('\\');
      if (rest_.empty() || static_cast<unsigned char>(rest_[0]) < ' ') return false;
      if (is_escaped && rest_[0] != '"' && rest_[0] != '\\' && rest_[0] != 'n') return false;
      string += is_escaped && rest_[0] == 'n' ? '\n' : rest_[0];
      rest_.remove_prefix(1);
    }
    return skip('"');
  }

  std::string_view rest_;
  std::vector<std::string> strings_;
  std::size_t numbers_ = 0;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// What is wrong with a text for Prometheus, or an empty one.
std::string complaint_about(const std::string& text) {
  static const std::regex comment("# (HELP [a-z_]+ [^\\\\]+|TYPE ([a-z_]+) (gauge|counter))");
  static const std::regex sample(
      R"re(([a-z_]+)\{tag="([^"\\]|\\["\\n])*"(,object_size="[0-9]+")?\} [0-9]+)re");
  if (!text.ends_with('\n')) return "no end of the last line";
  std::set<std::string> names, series;
  std::string family;
  for (const std::string& line : lines_of(text)) {
    std::smatch found;
    if (std::regex_match(line, found, comment)) {
      if (!found[2].matched) continue;
      family = found[2];
      if (!names.insert(family).second) return "declared twice: " + line;
      if ((found[3] == "counter") != family.ends_with("_total")) return "of a wrong type: " + line;
    } else if (!std::regex_match(line, found, sample) || found[1] != family) {
      return "no sample of the metric at hand: " + line;
    } else if (!series.insert(line.substr(0, line.rfind(' '))).second) {
      return "there already: " + line;
    }
  }
  return names.size() == 12 ? "" : "not all metrics";
}

const auto write_table = [](std::ostream& out) { out << odd_statistics(); };
const auto write_json = [](std::ostream& out) { flux::write_json(out, odd_statistics()); };
const auto write_prometheus = [](std::ostream& out) { flux::write_prometheus(out, odd_statistics()); };

}  // namespace

BOOST_AUTO_TEST_CASE(the_example_of_the_readme_works) {
  struct Trades;
  flux::Allocator<int, Trades> allocator;
  int* const trade = allocator.allocate(1);
  std::ostringstream out;
  for (const flux::DomainStatistics& domain : flux::stats().domains)
    out << domain.tag << " has " << domain.bytes_live << " bytes in use\n";
  out << flux::stats();
  flux::write_json(out, flux::stats());
  flux::write_prometheus(out, flux::stats());
  BOOST_TEST(out.str().find("Trades has 8 bytes in use\n") != std::string::npos);
  allocator.deallocate(trade, 1);
}

BOOST_AUTO_TEST_CASE(a_threads_own_objects_are_counted_to_the_object) {
  struct Tag;
  run_thread([] {
    for (const unsigned c : {0u, 7u, 31u, 50u, 87u, 88u, 127u}) {
      const std::uint32_t capacity = kSizeClassInfo[c].capacity;
      const std::size_t count = 2 * capacity + 1;
      const Objects objects = take<Tag>(count, c);
      const DomainStatistics domain = statistics_of<Tag>();
      const ClassStatistics counted = class_of(domain, stride_of(c));
      BOOST_TEST(counted.slabs == 3u, "class " << c);
      BOOST_TEST(counted.objects == 3 * capacity, "class " << c);
      BOOST_TEST(counted.live == count, "class " << c);
      BOOST_TEST(counted.free == counted.objects - count, "class " << c);
      BOOST_TEST(domain.bytes_live == count * stride_of(c));
      BOOST_TEST((domain.heaps == 1u && domain.parked_heaps == 0u));
      BOOST_TEST((domain.chains_posted == 0u && domain.chains_collected == 0u));
      BOOST_TEST(is_possible(domain));
      give<Tag>(objects, c);
      BOOST_TEST(live_of<Tag>() == 0u, "class " << c);
    }
    std::size_t before = 0;
    for (const ClassStatistics& objects : statistics_of<Tag>().classes) {
      BOOST_TEST(objects.object_size > before);  // the smallest first
      before = objects.object_size;
    }
  });
}

BOOST_AUTO_TEST_CASE(slow_calls_are_refills_and_spills) {
  struct Tag;
  run_thread([] {
    const std::size_t refill = kSizeClassInfo[kClass].bin_refill;
    const std::size_t capacity = kSizeClassInfo[kClass].bin_capacity;
    Objects objects = take<Tag>(refill);
    BOOST_TEST(statistics_of<Tag>().slow_calls == 1u);
    append(objects, take<Tag>(1));
    BOOST_TEST(statistics_of<Tag>().slow_calls == 2u);
    append(objects, take<Tag>(2 * capacity));
    const std::uint64_t before = statistics_of<Tag>().slow_calls;
    const std::size_t room =
        capacity - flux::detail::local_heap<Tag>.heap()->heap_bins().count_remote(kClass);
    give<Tag>(split(objects, room - 1));
    BOOST_TEST(statistics_of<Tag>().slow_calls == before);
    give<Tag>(split(objects, 1));
    BOOST_TEST(statistics_of<Tag>().slow_calls == before + 1);
    give<Tag>(objects);
  });
}

BOOST_AUTO_TEST_CASE(what_a_living_thread_freed_and_keeps_to_send_is_free) {
  struct Tag;
  run_thread([] {
    Objects objects = take<Tag>(1000);
    run_thread([&] {
      Objects own = take<Tag>(5);
      give<Tag>(split(objects, 10));  // less than a chain
      BOOST_TEST(live_from_outside<Tag>() == 990u + 5u);
      BOOST_TEST(statistics_of<Tag>().chains_posted == 0u);
      flux::flush();
      BOOST_TEST(live_from_outside<Tag>() == 990u + 5u);
      BOOST_TEST(statistics_of<Tag>().chains_posted == 1u);
      BOOST_TEST(statistics_of<Tag>().chains_collected == 0u);
      give<Tag>(own);
    });
    BOOST_TEST(live_from_outside<Tag>() == 990u);
    append(objects, take<Tag>(1000));  // takes home what was sent
    BOOST_TEST(statistics_of<Tag>().chains_collected == 1u);
    BOOST_TEST(live_from_outside<Tag>() == 1990u);
    give<Tag>(objects);
    BOOST_TEST(live_from_outside<Tag>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_that_never_allocated_is_free) {
  struct Tag;
  run_thread([] {
    Objects objects = take<Tag>(500);
    run_thread([&] {
      give<Tag>(split(objects, 200));
      BOOST_TEST(live_from_outside<Tag>() == 300u);
    });
    BOOST_TEST(live_from_outside<Tag>() == 300u);
    give<Tag>(objects);
  });
  BOOST_TEST(live_of<Tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(what_a_thread_freed_at_its_very_end_is_free) {
  struct Tag;
  struct Late {
    Objects objects;
    ~Late() { give<Tag>(objects); }
  };
  run_thread([] {
    Objects objects = take<Tag>(600);
    run_thread([&] {
      static thread_local Late late;
      late.objects = split(objects, 100);
      at_thread_end_after_thread_locals([last = split(objects, 100)] { give<Tag>(last); });
    });
    BOOST_TEST(live_from_outside<Tag>() == 400u);
    run_thread([&] {  // whom flux has ended by then: nothing of it is left but a number
      at_thread_end([last = split(objects, 100)] { give<Tag>(last); });
      give<Tag>(take<Tag>(1));
    });
    BOOST_TEST(live_from_outside<Tag>() == 300u);
    run_thread([&] {  // and whom flux never met before
      at_thread_end([last = split(objects, 100)] { give<Tag>(last); });
    });
    BOOST_TEST(live_from_outside<Tag>() == 200u);
    give<Tag>(objects);
    BOOST_TEST(live_from_outside<Tag>() == 0u);
  });
}

BOOST_AUTO_TEST_CASE(what_a_thread_allocated_at_its_very_end_is_live) {
  struct Tag;
  Objects objects;
  run_thread([&] {
    at_thread_end([&] { objects = take<Tag>(10); });
    give<Tag>(take<Tag>(10));
  });
  BOOST_TEST(live_of<Tag>() == 10u);
  run_thread([&] { give<Tag>(objects); });
  BOOST_TEST(live_of<Tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(chains_of_every_class_are_counted_on_their_way_and_when_they_are_home) {
  struct Tag;
  run_thread([] {
    std::vector<Objects> objects;
    for (unsigned c = 0; c != kSizeClasses; ++c)
      objects.push_back(
          take<Tag>(std::min<std::size_t>(200, (std::size_t{256} << 10) / stride_of(c) + 1), c));
    run_thread([&] {
      for (unsigned c = 0; c != kSizeClasses; ++c) {
        BOOST_TEST(live_from_outside<Tag>(c) == objects[c].size(), "class " << c);
        give<Tag>(split(objects[c], objects[c].size() / 2), c);
        BOOST_TEST(live_from_outside<Tag>(c) == objects[c].size(), "class " << c);
      }
    });
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      BOOST_TEST(live_from_outside<Tag>(c) == objects[c].size(), "class " << c);
      give<Tag>(objects[c], c);
      BOOST_TEST(live_from_outside<Tag>(c) == 0u, "class " << c);
    }
    BOOST_TEST(statistics_of<Tag>().chains_posted > kSizeClasses / 2);
  });
  flux::trim();
  const DomainStatistics domain = statistics_of<Tag>();
  BOOST_TEST(domain.chains_collected == domain.chains_posted);
  BOOST_TEST(domain.classes.empty());
}

BOOST_AUTO_TEST_CASE(objects_of_more_owners_than_an_outbox_knows_are_counted) {
  struct Tag;
  constexpr std::size_t kOwners = 80;
  std::vector<Objects> objects(kOwners);
  std::vector<std::size_t> live;
  std::barrier all(kOwners);  // so that none adopts another's heap
  run_threads(kOwners, [&](std::size_t index) {
    objects[index] = take<Tag>(3);
    all.arrive_and_wait();
  });
  BOOST_TEST(statistics_of<Tag>().heaps == kOwners);
  run_thread([&] {
    Random random;
    std::vector<Objects> left = objects;
    for (std::size_t i = 0; i != 3 * kOwners; ++i) {
      std::size_t owner = random.below(kOwners);
      while (left[owner].empty()) owner = (owner + 1) % kOwners;
      give<Tag>(split(left[owner], 1));
      live.push_back(live_of<Tag>());
    }
  });
  for (std::size_t i = 0; i != live.size(); ++i) BOOST_TEST(live[i] == 3 * kOwners - 1 - i);
}

BOOST_AUTO_TEST_CASE(heaps_are_counted_owned_and_parked) {
  struct Tag;
  BOOST_TEST(statistics_of<Tag>().heaps == 0u);
  Objects left;
  run_thread([&] {
    left = take<Tag>(100);
    run_thread([] {
      give<Tag>(take<Tag>(1));
      BOOST_TEST(statistics_of<Tag>().heaps == 2u);
      BOOST_TEST(statistics_of<Tag>().parked_heaps == 0u);
    });
    BOOST_TEST(statistics_of<Tag>().heaps == 2u);
    BOOST_TEST(statistics_of<Tag>().parked_heaps == 1u);
  });
  BOOST_TEST(statistics_of<Tag>().parked_heaps == 2u);
  BOOST_TEST(live_of<Tag>() == 100u);
  run_thread([&] {
    const Objects more = take<Tag>(50);
    BOOST_TEST(statistics_of<Tag>().parked_heaps == 1u);
    BOOST_TEST(live_of<Tag>() == 150u);
    give<Tag>(left);
    BOOST_TEST(live_of<Tag>() == 50u);
    give<Tag>(more);
  });
  BOOST_TEST(statistics_of<Tag>().heaps == 2u);
  BOOST_TEST(live_of<Tag>() == 0u);
}

BOOST_AUTO_TEST_CASE(domains_are_named_and_the_oldest_comes_first) {
  struct Early;
  struct Later;
  run_thread([] {
    give<Early>(take<Early>(1));
    give<Later>(take<Later>(1));
    run_thread([] { give<Early>(take<Early>(1)); });  // the newest heap is of the older domain
    const Statistics statistics = flux::stats();
    const auto ends_with = [&](std::string_view name) {
      return std::ranges::find_if(statistics.domains, [&](const auto& d) { return d.tag.ends_with(name); });
    };
    BOOST_REQUIRE((ends_with("Later") != statistics.domains.end()));
    BOOST_TEST((ends_with("Early") < ends_with("Later")));
  });
}

BOOST_AUTO_TEST_CASE(bytes_are_those_of_the_system_and_go_down_by_trim) {
  struct Tag;
  run_thread([] {
    const Objects objects = take<Tag>(100'000);
    DomainStatistics domain = statistics_of<Tag>();
    BOOST_TEST(domain.bytes_live == 6'400'000u);
    BOOST_TEST(domain.bytes_committed >= domain.bytes_live);
    BOOST_TEST(domain.bytes_committed % (2u << 20) == 0u);
    BOOST_TEST(domain.bytes_committed <= domain.bytes_live + (8u << 20));
    BOOST_TEST(domain.bytes_reserved >= 32u << 20);
    give<Tag>(objects);
    domain = statistics_of<Tag>();
    BOOST_TEST(domain.bytes_live == 0u);
    BOOST_TEST(domain.bytes_retained >= 5'000'000u);
    BOOST_TEST(flux::trim() >= domain.bytes_retained);
    domain = statistics_of<Tag>();
    BOOST_TEST(domain.bytes_retained == 0u);
    BOOST_TEST(domain.classes.empty());
    BOOST_TEST(is_possible(domain));
  });
}

BOOST_AUTO_TEST_CASE(objects_of_heaps_that_go_at_once_are_not_counted) {
  const std::size_t before = live_of<void>();
  flux::Heap heap;
  static_cast<void>(heap.allocate(100));
  BOOST_TEST(live_of<void>() == before);
}

BOOST_AUTO_TEST_CASE(whatever_threads_did_statistics_equal_the_model_when_they_rest) {
  Model model;
  Pool pool;
  std::size_t differences = 0;
  for (std::size_t generation = 0; generation != 4; ++generation) {
    std::barrier quiet(4, [&]() noexcept { differences += model.differences(); });
    run_threads(4, [&](std::size_t index) {
      Random random(generation * 4 + index);
      const bool may_take = index != 3;  // one only frees
      for (std::size_t round = 0; round != scaled(20); ++round) {
        for (std::size_t i = 0; i != 300; ++i) step(model, pool, random, may_take);
        if (random.below(4) == 0) flux::flush();
        if (random.below(8) == 0) flux::trim();
        quiet.arrive_and_wait();
      }
    });
    BOOST_TEST(model.differences() == 0u);  // with all threads ended
  }
  BOOST_TEST(differences == 0u);
  give_all(model, pool);
  BOOST_TEST(model.differences() == 0u);
}

BOOST_AUTO_TEST_CASE(while_threads_work_every_number_is_possible) {
  Model model;
  Pool pool;
  std::atomic<std::size_t> at_work{3};
  std::size_t impossible = 0;
  std::size_t looks = 0;
  run_threads(4, [&](std::size_t index) {
    Random random(index);
    if (index != 0) {
      for (std::size_t i = 0; i != scaled(20'000); ++i) step(model, pool, random, true);
      --at_work;
      return;
    }
    std::array<std::uint64_t, 2> before{};
    do {
      ++looks;
      const std::array<DomainStatistics, 2> now{statistics_of<First>(), statistics_of<Second>()};
      for (std::size_t i = 0; i != now.size(); ++i) {
        if (!is_possible(now[i]) || now[i].heaps > 100 || now[i].slow_calls < before[i]) ++impossible;
        before[i] = now[i].slow_calls;
      }
    } while (at_work != 0);
  });
  BOOST_TEST(looks >= 1u);
  BOOST_TEST(impossible == 0u);
  BOOST_TEST(model.differences() == 0u);
  give_all(model, pool);
}

BOOST_AUTO_TEST_CASE(a_table_has_a_line_for_each_class_and_domain) {
  const std::string expected =
      "tag        object size  slabs  objects  live  free\n"
      "plain                8      1     8064    12  8052\n"
      "plain          1048576      2        4     3     1\n"
      "a\"b\\c?d?e           24      1     2730  2730     0\n"
      "plain: heaps 3 parked_heaps 1 bytes_live 3145824 bytes_retained 65536 bytes_committed 4194304 "
      "bytes_reserved 34359738368 slow_calls 7 chains_posted 5 chains_collected 4\n"
      "a\"b\\c?d?e: heaps 1 parked_heaps 0 bytes_live 65520 bytes_retained 0 bytes_committed 2097152 "
      "bytes_reserved 33554432 slow_calls 1 chains_posted 0 chains_collected 0\n";
  BOOST_TEST(text_of(write_table) == expected);
}

BOOST_AUTO_TEST_CASE(no_text_depends_on_the_streams_flags_width_fill_or_locale) {
  BOOST_TEST(odd_text_of(write_table) == text_of(write_table));
  BOOST_TEST(odd_text_of(write_json) == text_of(write_json));
  BOOST_TEST(odd_text_of(write_prometheus) == text_of(write_prometheus));
}

BOOST_AUTO_TEST_CASE(a_table_leaves_the_streams_width_as_what_is_written_does) {
  std::ostringstream out;
  out << std::setw(20) << Statistics{} << 1;
  BOOST_TEST(out.str() == "tag  object size  slabs  objects  live  free\n1");
}

BOOST_AUTO_TEST_CASE(json_is_one_line_with_the_members_names) {
  const std::string expected =
      R"({"domains":[{"tag":"plain","heaps":3,"parked_heaps":1,"bytes_live":3145824,"bytes_retained":65536,)"
      R"("bytes_committed":4194304,"bytes_reserved":34359738368,"slow_calls":7,"chains_posted":5,)"
      R"("chains_collected":4,"classes":[{"object_size":8,"slabs":1,"objects":8064,"live":12,"free":8052},)"
      R"({"object_size":1048576,"slabs":2,"objects":4,"live":3,"free":1}]},)"
      R"({"tag":"a\"b\\c\nd?e","heaps":1,"parked_heaps":0,"bytes_live":65520,"bytes_retained":0,)"
      R"("bytes_committed":2097152,"bytes_reserved":33554432,"slow_calls":1,"chains_posted":0,)"
      R"("chains_collected":0,"classes":[{"object_size":24,"slabs":1,"objects":2730,"live":2730,"free":0}]}]})"
      "\n";
  BOOST_TEST(text_of(write_json) == expected);
  BOOST_TEST(text_of([](std::ostream& out) { flux::write_json(out, {}); }) == "{\"domains\":[]}\n");
}

BOOST_AUTO_TEST_CASE(json_of_what_there_is_can_be_read_back) {
  using Odd = flux::SlabProvider<int, "json \"b\\c\nd">;
  const Odd::unique_ptr odd = Odd::make();
  const Statistics statistics = flux::stats();
  const std::string text = text_of([&](std::ostream& out) { flux::write_json(out, statistics); });
  JsonReader reader(text);
  BOOST_TEST(reader.is_whole(), text);
  BOOST_TEST(std::ranges::count(reader.strings(), "json \"b\\c\nd") == 1);
  std::size_t numbers = 0;
  for (const DomainStatistics& domain : statistics.domains) numbers += 9 + 5 * domain.classes.size();
  BOOST_TEST(reader.numbers() == numbers);
}

BOOST_AUTO_TEST_CASE(prometheus_reads_every_line) {
  BOOST_TEST(complaint_about(text_of(write_prometheus)) == "");
  const std::vector<std::string> lines = lines_of(text_of(write_prometheus));
  for (const char* line :
       {R"(flux_slabs{tag="plain",object_size="1048576"} 2)",
        R"(flux_live_objects{tag="a\"b\\c\nd?e",object_size="24"} 2730)",
        R"(flux_bytes_reserved{tag="plain"} 34359738368)", R"(flux_slow_calls_total{tag="plain"} 7)",
        "# TYPE flux_slow_calls_total counter", "# TYPE flux_live_objects gauge"})
    BOOST_TEST(std::ranges::count(lines, line) == 1, line);
  using Odd = flux::SlabProvider<int, "prometheus \"b\\c\nd">;
  const Odd::unique_ptr odd = Odd::make();
  const std::string text = text_of([](std::ostream& out) { flux::write_prometheus(out, flux::stats()); });
  BOOST_TEST(complaint_about(text) == "");
  BOOST_TEST(text.find(R"(flux_live_objects{tag="prometheus \"b\\c\nd",object_size="8"} 1)") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(prometheus_sees_the_sum_of_tags_that_share_a_name) {
  using Ints = flux::SlabProvider<int, "one name">;
  using Longs = flux::SlabProvider<long, "one name">;
  const Ints::unique_ptr one = Ints::make(), two = Ints::make();
  const Longs::unique_ptr three = Longs::make();
  const std::string text = text_of([](std::ostream& out) { flux::write_prometheus(out, flux::stats()); });
  BOOST_TEST(complaint_about(text) == "");
  const std::vector<std::string> lines = lines_of(text);
  BOOST_TEST(std::ranges::count(lines, R"(flux_live_objects{tag="one name",object_size="8"} 3)") == 1);
  BOOST_TEST(std::ranges::count(lines, R"(flux_heaps{tag="one name"} 2)") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
