// What flux_orderbook reads, and how it refuses: bench/orderbook.
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bench/orderbook/LobsterFile.hpp"
#include "bench/orderbook/Message.hpp"

BOOST_AUTO_TEST_SUITE(lobster_file)

namespace {

using namespace orderbook;

std::string error_of(std::string_view text) {
  const LobsterFile file = LobsterFile::parse("flow.csv", text);
  if (!file.error()) return "none";
  BOOST_TEST(file.messages().empty());
  return file.error()->message();
}

/// A file that is gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view text) {
    const int descriptor = ::mkstemp(path_.data());
    BOOST_REQUIRE(descriptor >= 0);
    ::close(descriptor);
    std::ofstream(path_, std::ios::binary) << text;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "flux_orderbook_XXXXXX").string();
};

const std::string kGoodLine = "34200.004241176,1,16113575,18,5853300,1";

}  // namespace

BOOST_AUTO_TEST_CASE(every_type_of_line_is_read) {
  const LobsterFile file = LobsterFile::parse("flow.csv",
                                              "34200.004241176,1,16113575,18,5853300,1\n"
                                              "34201,2,9223372036854775807,4294967295,5853200,-1\n"
                                              "0.5,3,3,100,5853100,1\n"
                                              "34203.,4,4,1,1,1\n");
  BOOST_TEST(file.error()->message() ==
             "flow.csv:4: column 1 (time): \"34203.\" is not a decimal number of seconds");
  const LobsterFile good = LobsterFile::parse("flow.csv",
                                              "34200.004241176,1,16113575,18,5853300,1\n"
                                              "34201,2,9223372036854775807,4294967295,5853200,-1\n"
                                              "0.5,3,0,100,5853100,1\n"
                                              "86399.999999999,4,4,1,1,1\n"
                                              "34204.1,5,0,5,9223372036854775807,-1\n"
                                              "34204.1,6,-1,0,5853300,-1\n"
                                              "34204.1,7,0,0,-1,-1\n");
  BOOST_REQUIRE(!good.error());
  const std::vector<Message>& messages = good.messages();
  BOOST_REQUIRE(messages.size() == 7U);
  BOOST_TEST((messages[0] == Message{16113575, 5853300, 18, Kind::kNew, Side::kBuy}));
  BOOST_TEST((messages[1] ==
              Message{9223372036854775807U, 5853200, 4294967295U, Kind::kPartialCancel, Side::kSell}));
  for (std::size_t at = 0; at < messages.size(); ++at)
    BOOST_TEST(static_cast<std::size_t>(messages[at].kind) == at + 1);
}

BOOST_AUTO_TEST_CASE(line_ends_may_be_crlf_and_the_last_may_be_missing) {
  for (const char* const end : {"\n", "\r\n"}) {
    const std::string two = kGoodLine + end + kGoodLine;
    BOOST_TEST(LobsterFile::parse("flow.csv", two).messages().size() == 2U);
    BOOST_TEST(LobsterFile::parse("flow.csv", two + end).messages().size() == 2U);
    BOOST_TEST(error_of(two + end + end) == "flow.csv:3: the line is empty");
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_number_of_columns_is_named_with_its_line) {
  BOOST_TEST(error_of(kGoodLine + "\n34200,1,5,18,5853300\n") == "flow.csv:2: expected 6 columns, found 5");
  BOOST_TEST(error_of(kGoodLine + ",\n") == "flow.csv:1: expected 6 columns, found 7");
  BOOST_TEST(error_of("x") == "flow.csv:1: expected 6 columns, found 1");
  BOOST_TEST(error_of("\n" + kGoodLine) == "flow.csv:1: the line is empty");
  BOOST_TEST(error_of(",,,,,") == "flow.csv:1: column 1 (time): \"\" is not a decimal number of seconds");
}

BOOST_AUTO_TEST_CASE(a_malformed_number_is_named_with_its_line_and_column) {
  const auto error_in = [](std::string_view line) {
    return error_of(kGoodLine + "\r\n" + std::string(line));
  };
  const std::string at = "flow.csv:2: column ";
  for (const char* const time : {"", " 1", "1e3", "nan", "-1", "+1", "1.", ".5", "1.2.3", "1.5x", "0x10"})
    BOOST_TEST(error_in(std::string(time) + ",1,1,1,1,1") ==
               at + "1 (time): \"" + time + "\" is not a decimal number of seconds");
  for (const char* const time : {"86400", "99999.5", "99999999999999999999999"})
    BOOST_TEST(error_in(std::string(time) + ",1,1,1,1,1") ==
               at + "1 (time): \"" + time + "\" is out of range: a day has 86400 seconds");

  BOOST_TEST(error_in("1,new,1,1,1,1") == at + "2 (type): \"new\" is not a whole number");
  BOOST_TEST(error_in("1,0,1,1,1,1") == at + "2 (type): \"0\" is out of range: 1 to 7");
  BOOST_TEST(error_in("1,8,1,1,1,1") == at + "2 (type): \"8\" is out of range: 1 to 7");
  BOOST_TEST(error_in("1,-1,1,1,1,1") == at + "2 (type): \"-1\" is negative");
  BOOST_TEST(error_in("1,1,1.5,1,1,1") == at + "3 (order id): \"1.5\" is not a whole number");
  BOOST_TEST(error_in("1,1,-3,1,1,1") == at + "3 (order id): \"-3\" is negative");
  BOOST_TEST(error_in("1,1,9223372036854775808,1,1,1") ==
             at + "3 (order id): \"9223372036854775808\" is out of range: 0 to 9223372036854775807");
  BOOST_TEST(error_in("1,3,1,-5,1,1") == at + "4 (size): \"-5\" is negative");
  BOOST_TEST(error_in("1,1,1,0,1,1") == at + "4 (size): \"0\" is out of range: 1 to 4294967295");
  BOOST_TEST(error_in("1,1,1,4294967296,1,1") ==
             at + "4 (size): \"4294967296\" is out of range: 1 to 4294967295");
  BOOST_TEST(error_in("1,1,1,,1,1") == at + "4 (size): \"\" is not a whole number");
  BOOST_TEST(error_in("1,1,1,1,0,1") == at + "5 (price): \"0\" is out of range: 1 to 9223372036854775807");
  BOOST_TEST(error_in("1,1,1,1,-1,1") == at + "5 (price): \"-1\" is negative");
  BOOST_TEST(error_in("1,7,0,0,-2,1") == at + "5 (price): \"-2\" is out of range: -1 to 9223372036854775807");
  BOOST_TEST(error_in("1,1,1,1,1,0") == at + "6 (direction): \"0\" is neither 1 (buy) nor -1 (sell)");
  BOOST_TEST(error_in("1,1,1,1,1,2") == at + "6 (direction): \"2\" is out of range: -1 to 1");
  BOOST_TEST(error_in("1,1,1,1,1,1 ") == at + "6 (direction): \"1 \" is not a whole number");
}

BOOST_AUTO_TEST_CASE(what_is_quoted_is_short_and_free_of_control_characters) {
  BOOST_TEST(error_of(std::string("1,1,1,1\0,1,1", 12)) ==
             "flow.csv:1: column 4 (size): \"1?\" is not a whole number");
  BOOST_TEST(error_of("1,1,1,\x1b[2J,1,1").find("\"?[2J\"") != std::string::npos);
  BOOST_TEST(error_of(std::string("1,1,1,").append(1000, '9') + ",1,1") ==
             std::string("flow.csv:1: column 4 (size): \"").append(40, '9') +
                 "...\" is out of range: 1 to 4294967295");
}

BOOST_AUTO_TEST_CASE(a_file_is_read_and_its_name_is_in_the_error) {
  const TemporaryFile good(kGoodLine + "\n" + kGoodLine);
  BOOST_TEST(LobsterFile::read(good.path()).messages().size() == 2U);
  const TemporaryFile bad(kGoodLine + "\n1,1,1,1,1\n");
  BOOST_TEST(LobsterFile::read(bad.path()).error()->message() ==
             bad.path() + ":2: expected 6 columns, found 5");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_missing_empty_or_a_folder_is_an_error) {
  const TemporaryFile empty("");
  BOOST_TEST(LobsterFile::read(empty.path()).error()->message() == empty.path() + ": is empty");
  BOOST_TEST(LobsterFile::read(empty.path() + ".gone").error()->message() ==
             empty.path() + ".gone: No such file or directory");
  BOOST_TEST(LobsterFile::read("/").error()->message() == "/: Is a directory");
}

BOOST_AUTO_TEST_SUITE_END()
