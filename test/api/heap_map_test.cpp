// The picture of the heaps is XML, shows what statistics say, and can be had at any time.
#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <flux/flux.hpp>
#include <iomanip>
#include <ios>
#include <limits>
#include <locale>
#include <ostream>
#include <regex>
#include <sstream>
#include <streambuf>
#include <string>
#include <thread>
#include <vector>

#include "support/InChild.hpp"
#include "support/Markup.hpp"
#include "support/Random.hpp"
#include "support/Sanitizers.hpp"
#include "support/TagObjects.hpp"
#include "support/Threads.hpp"

BOOST_AUTO_TEST_SUITE(heap_map)

namespace {

using namespace flux::test;

std::string picture() {
  std::ostringstream out;
  flux::write_heap_map(out);
  return out.str();
}

std::size_t number_of(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), ','), text.end());
  return std::stoull(text);
}

/// What the slabs drawn say together.
struct Drawn {
  std::size_t slabs = 0;
  std::size_t objects = 0;
  std::size_t out = 0;
};
Drawn drawn_in(const std::string& picture) {
  static const std::regex title(": ([0-9,]+) slabs? with ([0-9,]+) of ([0-9,]+) objects out, at");
  Drawn drawn;
  for (std::sregex_iterator match(picture.begin(), picture.end(), title); match != std::sregex_iterator();
       ++match) {
    drawn.slabs += number_of((*match)[1]);
    drawn.out += number_of((*match)[2]);
    drawn.objects += number_of((*match)[3]);
  }
  return drawn;
}

/// Heaps whose lines say another number of slabs than their cells show.
std::size_t lines_amiss(const std::string& picture) {
  static const std::regex line("heap at [^:]*: ([0-9,]+) slabs?, ");
  const std::sregex_iterator end;
  std::size_t amiss = 0;
  for (std::sregex_iterator match(picture.begin(), picture.end(), line); match != end;) {
    const std::size_t said = number_of((*match)[1]);
    const auto begin = static_cast<std::size_t>(match->position());
    ++match;
    const std::size_t next = match == end ? picture.size() : static_cast<std::size_t>(match->position());
    const std::string heap = picture.substr(begin, next - begin);
    amiss += heap.find("; not drawn") == heap.npos && drawn_in(heap).slabs != said;
  }
  return amiss;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

/// A stream that takes so many characters.
class ShortBuffer : public std::streambuf {
 public:
  explicit ShortBuffer(std::streamsize room) : room_(room) {}

 private:
  std::streamsize xsputn(const char*, std::streamsize count) override {
    const std::streamsize taken = std::min(count, room_);
    room_ -= taken;
    return taken;
  }

  std::streamsize room_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_process_without_a_heap_has_a_picture_too) {
  struct Result {
    bool is_markup;
    bool says_so;
  };
  const Result result = in_child([] {
    const std::string empty = picture();
    return Result{MarkupCheck::complaint_about(empty).empty(), empty.find("0 tags, 0 heaps") != empty.npos};
  });
  BOOST_TEST(result.is_markup);
  BOOST_TEST(result.says_so);
}

BOOST_AUTO_TEST_CASE(what_is_drawn_is_what_statistics_say) {
  struct Result {
    bool is_markup;
    Drawn drawn;
    std::size_t slabs, objects, live, in_bins;
    bool shows_totals;
  };
  const Result result = in_child([] {
    struct First;
    struct Second;
    Objects first, second;
    for (const unsigned c : {0u, 3u, 7u, 31u, 60u, 87u, 110u}) {  // slabs of several units too
      append(first, take<First>(c < 60 ? 3000 : 40, c));
      append(second, take<Second>(c < 60 ? 100 : 3, c));
    }
    give<First>(split(first, 20), 110);
    Result found{};
    const std::string text = picture();
    found.is_markup = MarkupCheck::complaint_about(text).empty();
    found.drawn = drawn_in(text);
    found.shows_totals = text.find("2 tags, 2 heaps (0 of ended threads)") != text.npos;
    for (const flux::DomainStatistics& domain : flux::stats().domains) {
      for (const flux::ClassStatistics& objects : domain.classes) {
        found.slabs += objects.slabs;
        found.objects += objects.objects;
        found.live += objects.live;
      }
    }
    flux::detail::heap_list.for_each([&](const flux::detail::ThreadHeap& heap) {
      for (unsigned c = 0; c != flux::detail::kSizeClasses; ++c)
        found.in_bins += heap.heap_bins().count_remote(c);
    });
    return found;
  });
  BOOST_TEST(result.is_markup);
  BOOST_TEST(result.drawn.slabs == result.slabs);
  BOOST_TEST(result.drawn.objects == result.objects);
  BOOST_TEST(result.drawn.out == result.live + result.in_bins);
  BOOST_TEST(result.shows_totals);
}

BOOST_AUTO_TEST_CASE(names_of_tags_are_escaped_and_long_ones_are_cut_where_they_are_shown) {
  using Strange = flux::SlabProvider<int, "a<b>&\"\x01\xC3\xA4\xFF">;
  using Long = flux::SlabProvider<int,
                                  "0123456789012345678901234567890123456789012345678901234567890123456789"
                                  "0123456789012345678901234567890123456789">;
  void* const strange = Strange::alloc_raw();
  void* const of_long = Long::alloc_raw();
  const std::string text = picture();
  BOOST_TEST(MarkupCheck::complaint_about(text) == "");
  BOOST_TEST(text.find(">tag a&#60;b&#62;&#38;&#34;?&#228;?</text>") != text.npos);
  BOOST_TEST(count_of(text, "78901234567890123456789</title>") == count_of(text, "0123456789...</text>"));
  Strange::free_raw(strange);
  Long::free_raw(of_long);
}

BOOST_AUTO_TEST_CASE(ten_thousand_slabs_make_a_picture_that_a_browser_opens) {
  struct Result {
    std::size_t slabs, bytes;
    bool is_markup;
  };
  const Result result = in_child([] {
    struct Tag;
    const std::size_t slabs = scaled(10'000);
    Random random;
    Objects objects = take<Tag>(slabs * 16, 60);  // 64 KiB hold some 20
    std::ranges::shuffle(objects, random);
    give<Tag>(split(objects, objects.size() / 2), 60);  // so that few neighbours look alike
    const std::string text = picture();
    return Result{drawn_in(text).slabs, text.size(), MarkupCheck::complaint_about(text).empty()};
  });
  BOOST_TEST(result.is_markup);
  BOOST_TEST(result.slabs > scaled(4'000));
  BOOST_TEST(result.bytes < result.slabs * 160 + 50'000);
}

BOOST_AUTO_TEST_CASE(a_picture_can_be_had_while_threads_are_at_work) {
  struct Tag;
  constexpr std::size_t kThreads = 3;
  std::atomic<bool> is_over{false};
  std::vector<std::string> complaints;
  std::size_t most = 0, amiss = 0;
  run_threads(kThreads + 1, [&](std::size_t index) {
    if (index == kThreads) {
      for (std::size_t i = 0; i != scaled(100); ++i) {
        const std::string text = picture();
        complaints.push_back(MarkupCheck::complaint_about(text));
        const Drawn drawn = drawn_in(text);
        most = std::max(most, drawn.slabs);
        amiss += lines_amiss(text);
        if (drawn.out > drawn.objects) complaints.emplace_back("more objects are out than there are");
      }
      is_over = true;
      return;
    }
    Random random(index + 1);
    while (!is_over) {
      run_thread([&] {  // threads come and go
        Objects objects;
        for (std::size_t round = 0; round != 20 && !is_over; ++round) {
          append(objects, take<Tag>(random.below(2000) + 1));
          give<Tag>(split(objects, random.below(objects.size() + 1)));
          if (round % 8 == 7) flux::trim();
        }
        give<Tag>(objects);
      });
    }
  });
  for (const std::string& complaint : complaints) BOOST_TEST(complaint == "");
  BOOST_TEST(most > 0u);
  BOOST_TEST(amiss == 0u);
}

BOOST_AUTO_TEST_CASE(a_heap_that_cannot_be_looked_at_is_there_by_its_numbers) {
  struct Tag;
  std::string text;
  run_thread([&text] {
    flux::reserve<Tag>(64, 100);
    run_thread([&text] { text = picture(); });
  });
  BOOST_TEST(MarkupCheck::complaint_about(text) == "");
  BOOST_TEST(text.find("; not drawn, because its thread") != text.npos);
  BOOST_TEST(picture().find("; not drawn, because its thread") == text.npos);  // it has ended
}

BOOST_AUTO_TEST_CASE(digits_are_plain_and_the_stream_keeps_its_flags) {
  struct Grouping : std::numpunct<char> {
    char do_thousands_sep() const override { return '`'; }
    std::string do_grouping() const override { return "\1"; }
  };
  flux::Allocator<long> allocator;
  long* const object = allocator.allocate(1);
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new Grouping));
  out << std::hex << std::setfill('*') << std::setw(30);
  flux::write_heap_map(out);
  BOOST_TEST(MarkupCheck::complaint_about(out.str()) == "");
  BOOST_TEST(out.str().find('`') == std::string::npos);
  BOOST_TEST(out.str().starts_with("<svg "));
  BOOST_TEST((out.flags() & std::ios::hex) != 0);
  allocator.deallocate(object, 1);
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_leaves_everything_usable) {
  struct Tag;
  const Objects objects = take<Tag>(100);
  for (const std::streamsize room : {0, 1, 1000}) {
    ShortBuffer buffer(room);
    std::ostream out(&buffer);
    flux::write_heap_map(out);
    BOOST_TEST(out.bad());
    ShortBuffer other(room);
    std::ostream throwing(&other);
    throwing.exceptions(std::ios::badbit);
    BOOST_CHECK_THROW(flux::write_heap_map(throwing), std::ios_base::failure);
  }
  give<Tag>(objects);
  give<Tag>(take<Tag>(10'000));
  flux::trim();
  BOOST_TEST(MarkupCheck::complaint_about(picture()) == "");
}

BOOST_AUTO_TEST_SUITE_END()
