// What a picture's texts are made of: any bytes become text that XML holds, and numbers are for people.
#include <boost/test/unit_test.hpp>
#include <flux/detail/base/Markup.hpp>
#include <string>
#include <string_view>

#include "support/Markup.hpp"

BOOST_AUTO_TEST_SUITE(markup)

using namespace flux::detail;
using flux::test::MarkupCheck;

BOOST_AUTO_TEST_CASE(what_xml_has_a_meaning_for_becomes_a_number) {
  BOOST_TEST(escaped("a<b>&\"c'") == "a&#60;b&#62;&#38;&#34;c'");
  BOOST_TEST(escaped("") == "");
}

BOOST_AUTO_TEST_CASE(characters_beyond_ascii_become_numbers_and_broken_ones_question_marks) {
  BOOST_TEST(escaped("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80") == "&#228;&#8364;&#128512;");
  BOOST_TEST(escaped("\x01\n\x80") == "???");
  BOOST_TEST(escaped("\xC3") == "?");  // cut off
  BOOST_TEST(escaped("\xC3x") == "?x");
  BOOST_TEST(escaped("\xC0\x80") == "??");  // too long for what it says
  BOOST_TEST(escaped("\xE0\x80\x80") == "???");
  BOOST_TEST(escaped("\xED\xA0\x80") == "???");       // half of a pair
  BOOST_TEST(escaped("\xEF\xBF\xBF") == "???");       // which XML excludes
  BOOST_TEST(escaped("\xF4\x90\x80\x80") == "????");  // beyond all
  BOOST_TEST(escaped(std::string_view("\0a", 2)) == "?a");
}

BOOST_AUTO_TEST_CASE(a_long_text_ends_in_dots_behind_a_whole_character) {
  BOOST_TEST(escaped("abc", 3) == "abc");
  BOOST_TEST(escaped("abcd", 3) == "abc...");
  BOOST_TEST(escaped("\xC3\xA4\xC3\xA4", 1) == "&#228;...");
}

BOOST_AUTO_TEST_CASE(numbers_are_grouped_and_bytes_are_in_the_largest_unit) {
  BOOST_TEST(grouped(0) == "0");
  BOOST_TEST(grouped(999) == "999");
  BOOST_TEST(grouped(1000) == "1,000");
  BOOST_TEST(grouped(12'345'678) == "12,345,678");
  BOOST_TEST(counted(1, "slab") == "1 slab");
  BOOST_TEST(counted(0, "slab") == "0 slabs");
  BOOST_TEST(in_bytes(0) == "0 bytes");
  BOOST_TEST(in_bytes(1023) == "1,023 bytes");
  BOOST_TEST(in_bytes(1024) == "1 KiB");
  BOOST_TEST(in_bytes(1536) == "1.5 KiB");
  BOOST_TEST(in_bytes((std::uint64_t{1} << 20) - 1) == "1,023.9 KiB");
  BOOST_TEST(in_bytes(std::uint64_t{80} << 30) == "80 GiB");
  BOOST_TEST(in_bytes(std::uint64_t{2000} << 40) == "2,000 TiB");
}

BOOST_AUTO_TEST_CASE(the_check_of_the_tests_finds_what_is_not_xml) {
  BOOST_TEST(MarkupCheck::complaint_about("<a b=\"1\"><c/>t&#38;</a>\n") == "");
  for (const char* text : {"<a>", "</a>", "<a></b>", "<a/><b/>", "<a b=\"1\" b=\"2\"/>", "<a b=1/>",
                           "<a>&</a>", "<a>&x;</a>", "<a b=\"<\"/>", "<a", "", "<a>\x01</a>"})
    BOOST_TEST(MarkupCheck::complaint_about(text) != "", text);
}

BOOST_AUTO_TEST_SUITE_END()
