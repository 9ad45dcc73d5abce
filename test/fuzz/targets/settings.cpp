// What an environment variable may say: a size, a word, or anything else, which is told of in one line. Read once more
// here, in wider numbers.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <flux/detail/base/Settings.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/Input.hpp"
#include "fuzz/Targets.hpp"

namespace flux::test::fuzz {

namespace variables {
namespace {

using detail::Setting;

constexpr std::size_t kUsual = 12'345;

/// A variable whose text lies here, so that the environment keeps no copies.
class Variable {
 public:
  static constexpr std::size_t kMostBytes = 4000;

  explicit Variable(std::string_view text) {
    const std::string line = std::string(kName) + '=' + std::string(text.substr(0, kMostBytes));
    std::memcpy(line_.data(), line.c_str(), line.size() + 1);
    ::putenv(line_.data());
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(kName); }

  static constexpr const char* kName = "FLUX_FUZZ_SETTING";

 private:
  static inline std::array<char, kMostBytes + 64> line_;
};

/// What is written to standard error while it lives.
class Told {
 public:
  Told() { stderr = ::open_memstream(&text_, &size_); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() {
    finish();
    std::free(text_);
  }

  std::string text() {
    finish();
    return {text_, size_};
  }

 private:
  void finish() {
    if (stderr != before_) std::fclose(stderr);
    stderr = before_;
  }

  std::FILE* before_ = stderr;
  char* text_ = nullptr;
  std::size_t size_ = 0;
};

/// The size that a text says, if it does.
std::optional<std::size_t> size_in(std::string_view text) {
  constexpr std::size_t kMost = SIZE_MAX - 2;  // the two largest have a meaning of their own
  std::size_t factor = 1;
  if (text.ends_with('K')) factor = std::size_t{1} << 10;
  if (text.ends_with('M')) factor = std::size_t{1} << 20;
  if (text.ends_with('G')) factor = std::size_t{1} << 30;
  if (factor != 1) text.remove_suffix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  while (text.size() > 1 && text.starts_with('0')) text.remove_prefix(1);
  if (text.size() > 20) return std::nullopt;
  __extension__ using Wide = unsigned __int128;
  Wide value = 0;
  for (const char digit : text) value = value * 10 + static_cast<unsigned>(digit - '0');
  value *= factor;
  if (value > kMost) return std::nullopt;
  return static_cast<std::size_t>(value);
}

void run(const std::string& text, Setting::Word least, Setting::Word most) {
  const Variable variable(text);
  Setting setting(Variable::kName, kUsual, "the usual", least, most);
  Told told;
  const std::size_t value = setting.get();
  const bool is_read_once = setting.get() == value;
  const std::string complaint = told.text();
  expect(is_read_once, "a setting changes by itself");

  std::optional<std::size_t> wanted = size_in(text);
  if (text == least.text) wanted = least.value;
  if (text == most.text) wanted = most.value;
  expect(value == wanted.value_or(kUsual), "a variable says another size");
  const std::string reason = std::string("flux: ") + Variable::kName + "=\"" + text +
                             "\" is not a size such as 0, 64K, 16M or 1G, nor " + least.text + " or " +
                             most.text + "; using the usual\n";
  expect(complaint == (wanted || text.empty() ? "" : reason),
         "what is wrong is not told of, or what is right is");

  Setting of_code(Variable::kName, kUsual, "the usual", least, most);
  of_code.set(value);
  expect(of_code.get() == value, "a setting is not what code said");
}

}  // namespace
}  // namespace variables

void fuzz_settings(Data data) {
  Input input(data);
  const bool is_retention = input.below(2) == 0;
  std::string text(input.text().substr(0, variables::Variable::kMostBytes));
  text.resize(std::strlen(text.c_str()));
  if (is_retention) return variables::run(text, {"none", 0}, {"hold", SIZE_MAX});
  variables::run(text, {"on", 0}, {"off", SIZE_MAX});
}

}  // namespace flux::test::fuzz
