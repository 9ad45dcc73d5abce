#include "support/Sanitizers.hpp"

#include <cstdlib>
#include <string_view>

namespace flux::test {

bool is_under_valgrind() noexcept {
  static const bool found = [] {
    const char* preloaded = std::getenv("LD_PRELOAD");
    return preloaded != nullptr && std::string_view(preloaded).find("vgpreload") != std::string_view::npos;
  }();
  return found;
}

}  // namespace flux::test
