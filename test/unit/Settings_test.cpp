// A setting is what code said, else what its environment variable says, else the usual; nonsense is told of
// once.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <flux/Control.hpp>
#include <string>
#include <vector>

#include "support/Death.hpp"
#include "support/Sanitizers.hpp"
#include "support/Threads.hpp"
#include "support/WithSetting.hpp"

BOOST_AUTO_TEST_SUITE(settings)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr const char* kVariable = "FLUX_TEST_SETTING";
constexpr std::size_t kUsual = 12'345;
constexpr std::size_t kLargest = SIZE_MAX - 2;

struct OwnSetting : Setting {
  OwnSetting() : Setting(kVariable, kUsual, "the usual", {"least", 1}, {"most", SIZE_MAX}) {}
};

// The variable says something, or is not there, while this lives.
class Variable {
 public:
  explicit Variable(const char* text) {
    if (text == nullptr)
      ::unsetenv(kVariable);
    else
      ::setenv(kVariable, text, 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(kVariable); }
};

std::string text_of(std::size_t number, const char* unit = "") { return std::to_string(number) + unit; }

std::size_t value_of(const char* text) {
  const Variable variable(text);
  return OwnSetting().get();
}

std::string complaint(const std::string& text) {
  return "flux: " + std::string(kVariable) + "=\"" + text +
         "\" is not a size such as 0, 64K, 16M or 1G, nor least or most; using the usual\n";
}

/// What reading the variable says on standard error.
std::string message_for(const std::string& text) {
  return death_of([&text] {
           const Variable variable(text.c_str());
           const bool is_usual = OwnSetting().get() == kUsual;
           if (!is_usual) std::abort();
         })
      .message;
}

/// Makes a setting read its variable again. Its number is its last member.
void forget(Setting& setting) {
  constexpr std::size_t kUnread = SIZE_MAX - 1;
  std::memcpy(reinterpret_cast<std::byte*>(&setting) + sizeof setting - sizeof kUnread, &kUnread,
              sizeof kUnread);
}

/// Whether `setting` takes `value` from what its variable says, in a process of its own.
bool becomes(Setting& setting, const char* variable, const char* text, std::size_t value) {
  const Death death = death_of([&] {
    text == nullptr ? ::unsetenv(variable) : ::setenv(variable, text, 1);
    forget(setting);
    if (setting.get() != value) std::abort();
  });
  return death.signal == 0 && death.message.empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_the_variable_a_setting_is_the_usual) { BOOST_TEST(value_of(nullptr) == kUsual); }

BOOST_AUTO_TEST_CASE(sizes_are_digits_and_powers_of_1024) {
  BOOST_TEST(value_of("0") == 0u);
  BOOST_TEST(value_of("1") == 1u);
  BOOST_TEST(value_of("007") == 7u);
  BOOST_TEST(value_of("65536") == 65'536u);
  BOOST_TEST(value_of("0G") == 0u);
  BOOST_TEST(value_of("64K") == std::size_t{64} << 10);
  BOOST_TEST(value_of("16M") == std::size_t{16} << 20);
  BOOST_TEST(value_of("1G") == std::size_t{1} << 30);
}

BOOST_AUTO_TEST_CASE(words_stand_for_the_least_and_the_most) {
  BOOST_TEST(value_of("least") == 1u);
  BOOST_TEST(value_of("most") == SIZE_MAX);
}

BOOST_AUTO_TEST_CASE(numbers_up_to_the_largest_are_sizes_and_those_beyond_are_not) {
  BOOST_TEST(value_of(text_of(kLargest).c_str()) == kLargest);
  BOOST_TEST(value_of(text_of(SIZE_MAX >> 30, "G").c_str()) == SIZE_MAX >> 30 << 30);
  BOOST_TEST(value_of(text_of(SIZE_MAX >> 10, "K").c_str()) == SIZE_MAX >> 10 << 10);
  BOOST_TEST(message_for(text_of(SIZE_MAX - 1)) == complaint(text_of(SIZE_MAX - 1)));
  for (const char* text : {"18446744073709551614", "18446744073709551615", "18446744073709551616",
                           "184467440737095516130", "99999999999999999999999999999", "17179869184G",
                           "17592186044416M", "18014398509481984K", "18446744073709551613K"})
    BOOST_TEST(message_for(text) == complaint(text));
}

BOOST_AUTO_TEST_CASE(anything_else_is_told_of_in_one_line_that_says_what_is_used) {
  for (const char* text : {"12x", "-1", "+1", "K", "M", " 5", "5 ", "1k", "1KB", "1KK", "0x10", "1.5M", "1T",
                           "lea", "leastest", "Most", "least ", "%s%n"})
    BOOST_TEST(message_for(text) == complaint(text));
}

BOOST_AUTO_TEST_CASE(what_is_right_is_not_told_of) {
  for (const std::string& text : {std::string(), text_of(0), text_of(64, "K"), std::string("least"),
                                  std::string("most"), text_of(kLargest)})
    BOOST_TEST(death_of([&text] {
                 const Variable variable(text.c_str());
                 OwnSetting().get();
               }).message == "");
}

BOOST_AUTO_TEST_CASE(nonsense_is_told_of_once) {
  const Death death = death_of([] {
    const Variable variable("12x");
    OwnSetting setting;
    for (int i = 0; i != 10; ++i)
      if (setting.get() != kUsual) std::abort();
  });
  BOOST_TEST(death.signal == 0);
  BOOST_TEST(death.message == complaint("12x"));
}

BOOST_AUTO_TEST_CASE(nonsense_is_told_of_once_by_threads_that_come_at_once) {
  for (std::size_t round = 0; round != scaled(50); ++round) {
    const Death death = death_of([] {
      const Variable variable("12x");
      OwnSetting setting;
      std::atomic<int> wrong{0};
      run_threads(8, [&](std::size_t) { wrong += setting.get() != kUsual; });
      if (wrong != 0) std::abort();
    });
    BOOST_TEST(death.signal == 0);
    BOOST_TEST(death.message == complaint("12x"));
  }
}

BOOST_AUTO_TEST_CASE(the_variable_is_read_once) {
  OwnSetting setting;
  const Variable variable("64K");
  BOOST_TEST(setting.get() == 65'536u);
  const Variable changed("1M");
  BOOST_TEST(setting.get() == 65'536u);
}

BOOST_AUTO_TEST_CASE(the_variable_is_read_when_the_number_is_first_needed) {
  OwnSetting setting;
  const Variable variable("64K");
  const Variable changed("1M");
  BOOST_TEST(setting.get() == std::size_t{1} << 20);
}

BOOST_AUTO_TEST_CASE(what_code_says_goes_before_the_variable_whichever_comes_first) {
  const Variable variable("64K");
  OwnSetting before;
  before.set(5);
  BOOST_TEST(before.get() == 5u);
  OwnSetting after;
  BOOST_TEST(after.get() == 65'536u);
  after.set(5);
  BOOST_TEST(after.get() == 5u);
}

BOOST_AUTO_TEST_CASE(a_variable_that_code_overrules_is_not_complained_of) {
  const Death death = death_of([] {
    const Variable variable("12x");
    OwnSetting setting;
    setting.set(5);
    if (setting.get() != 5) std::abort();
  });
  BOOST_TEST(death.signal == 0);
  BOOST_TEST(death.message == "");
}

BOOST_AUTO_TEST_CASE(every_number_can_be_set) {
  OwnSetting setting;
  for (const std::size_t value : {std::size_t{0}, std::size_t{1}, kUsual, kLargest, SIZE_MAX}) {
    setting.set(value);
    BOOST_TEST(setting.get() == value);
  }
  setting.set(SIZE_MAX - 1);  // stands for "not read yet": the next larger one is as good
  BOOST_TEST(setting.get() == SIZE_MAX);
}

BOOST_AUTO_TEST_CASE(threads_see_what_the_variable_said_or_what_was_set) {
  for (std::size_t round = 0; round != scaled(500); ++round) {
    const Variable variable("64K");
    OwnSetting setting;
    std::atomic<int> wrong{0};
    run_threads(4, [&](std::size_t index) {
      if (index == 0) setting.set(5);
      const std::size_t value = setting.get();
      wrong += index == 0 ? value != 5 : value != 5 && value != 65'536;
    });
    BOOST_TEST(wrong == 0);
    BOOST_TEST(setting.get() == 5u);
  }
}

BOOST_AUTO_TEST_CASE(the_retention_limit_is_named_and_worded_as_the_contract_says) {
  BOOST_TEST(becomes(retention_limit, "FLUX_RETENTION", nullptr, std::size_t{32} << 20));
  BOOST_TEST(becomes(retention_limit, "FLUX_RETENTION", "16M", std::size_t{16} << 20));
  BOOST_TEST(becomes(retention_limit, "FLUX_RETENTION", "none", 0));
  BOOST_TEST(becomes(retention_limit, "FLUX_RETENTION", "hold", flux::kHold));
}

BOOST_AUTO_TEST_CASE(the_size_for_huge_pages_is_named_and_worded_as_the_contract_says) {
  BOOST_TEST(becomes(huge_pages_from, "FLUX_HUGE_PAGES", nullptr, std::size_t{1536} << 10));
  BOOST_TEST(becomes(huge_pages_from, "FLUX_HUGE_PAGES", "64M", std::size_t{64} << 20));
  BOOST_TEST(becomes(huge_pages_from, "FLUX_HUGE_PAGES", "on", 0));
  BOOST_TEST(becomes(huge_pages_from, "FLUX_HUGE_PAGES", "off", flux::kNever));
}

BOOST_AUTO_TEST_CASE(a_bad_value_of_either_is_told_of_with_what_is_used_instead) {
  const auto message_of = [](Setting& setting, const char* variable) {
    return death_of([&] {
             ::setenv(variable, "lots", 1);
             forget(setting);
             setting.get();
           })
        .message;
  };
  BOOST_TEST(message_of(retention_limit, "FLUX_RETENTION") ==
             "flux: FLUX_RETENTION=\"lots\" is not a size such as 0, 64K, 16M or 1G, nor none or hold; "
             "using 32M\n");
  BOOST_TEST(message_of(huge_pages_from, "FLUX_HUGE_PAGES") ==
             "flux: FLUX_HUGE_PAGES=\"lots\" is not a size such as 0, 64K, 16M or 1G, nor on or off; "
             "using 1536K\n");
}

BOOST_AUTO_TEST_CASE(both_are_set_and_read_through_the_public_functions) {
  const WithRetentionLimit retention(0);
  const WithHugePagesFrom huge_pages(0);
  for (const std::size_t value : {std::size_t{0}, std::size_t{1} << 20, SIZE_MAX}) {
    flux::set_retention_limit(value);
    flux::set_huge_pages_from(value / 2);
    BOOST_TEST(flux::retention_limit() == value);
    BOOST_TEST(flux::huge_pages_from() == value / 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()
