// A setting that is something else for a while.
#pragma once

#include <cstddef>
#include <flux/detail/base/Settings.hpp>

namespace flux::test {

class WithSetting {
 public:
  WithSetting(detail::Setting& setting, std::size_t value) : setting_(setting), before_(setting.get()) {
    setting.set(value);
  }
  WithSetting(const WithSetting&) = delete;
  WithSetting& operator=(const WithSetting&) = delete;
  ~WithSetting() { setting_.set(before_); }

 private:
  detail::Setting& setting_;
  std::size_t before_;
};

struct WithRetentionLimit : WithSetting {
  explicit WithRetentionLimit(std::size_t bytes) : WithSetting(detail::retention_limit, bytes) {}
};

struct WithHugePagesFrom : WithSetting {
  explicit WithHugePagesFrom(std::size_t bytes) : WithSetting(detail::huge_pages_from, bytes) {}
};

}  // namespace flux::test
