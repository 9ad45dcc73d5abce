#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <flux/detail/base/Config.hpp>

namespace flux::inline FLUX_ABI::detail {

// What users may set: numbers of bytes, each by code or by an environment variable, which is read once, when
// the number is first needed. Code goes before the environment, whichever comes first.
//
//   value_ == kUnread, or the number for good until `set`
class Setting {
 public:
  /// What the variable may say instead of a size.
  struct Word {
    const char* text;
    std::size_t value;
  };

  constexpr Setting(const char* variable, std::size_t usual, const char* usual_text, Word least, Word most)
      : variable_(variable), usual_(usual), usual_text_(usual_text), least_(least), most_(most) {}

  /// Any thread.
  std::size_t get() noexcept {
    // relaxed: the number stands for itself; nothing is published by it.
    const std::size_t value = value_.load(std::memory_order_relaxed);
    return value != kUnread ? value : read();
  }

  /// Any thread; others see it soon.
  void set(std::size_t value) noexcept {
    // relaxed: as above.
    value_.store(value == kUnread ? SIZE_MAX : value, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kUnread = SIZE_MAX - 1;

  [[gnu::noinline, gnu::cold]] std::size_t read() noexcept {
    const char* const text = std::getenv(variable_);
    std::size_t value = usual_;
    const bool is_bad = text != nullptr && *text != '\0' && !parse(text, value);
    std::size_t before = kUnread;
    // relaxed: as above. Threads that come at once read the same variable; the first one says what is wrong.
    if (!value_.compare_exchange_strong(before, value, std::memory_order_relaxed)) return before;
    if (is_bad) {
      std::fprintf(stderr,
                   "flux: %s=\"%s\" is not a size such as 0, 64K, 16M or 1G, nor %s or %s; using %s\n",
                   variable_, text, least_.text, most_.text, usual_text_);
    }
    return value;
  }

  bool parse(const char* text, std::size_t& value) const noexcept {
    for (const Word& word : {least_, most_}) {
      if (std::strcmp(text, word.text) == 0) return value = word.value, true;
    }
    return parse_size(text, value);
  }

  /// Digits, and K, M or G for powers of 1,024.
  static bool parse_size(const char* text, std::size_t& value) noexcept {
    std::size_t number = 0;
    const char* at = text;
    for (; *at >= '0' && *at <= '9'; ++at) {
      const auto digit = static_cast<std::size_t>(*at - '0');
      if (number > (kUnread - 1 - digit) / 10) return false;
      number = number * 10 + digit;
    }
    if (at == text) return false;
    const unsigned shift = *at == 'K' ? 10 : *at == 'M' ? 20 : *at == 'G' ? 30 : 0;
    if (shift != 0) ++at;
    if (*at != '\0' || number > (kUnread - 1) >> shift) return false;
    value = number << shift;
    return true;
  }

  const char* variable_;
  std::size_t usual_;
  const char* usual_text_;
  Word least_;
  Word most_;
  std::atomic<std::size_t> value_{kUnread};
};

/// Free memory that a thread heap keeps for later, bytes.
///
/// 32 MiB holds what programs fill and clear over and over, and is little beside a heap that has had more.
inline constinit Setting retention_limit{
    "FLUX_RETENTION", std::size_t{32} << 20, "32M", {"none", 0}, {"hold", SIZE_MAX}};

/// The size a thread heap has in small pages before it grows by huge ones, bytes.
///
/// Small threads stay small; and filled to its end, the first block of 2 MiB alone would take a fifth of the
/// time of a list of 500,000.
inline constinit Setting huge_pages_from{
    "FLUX_HUGE_PAGES", std::size_t{1536} << 10, "1536K", {"on", 0}, {"off", SIZE_MAX}};

}  // namespace flux::inline FLUX_ABI::detail
