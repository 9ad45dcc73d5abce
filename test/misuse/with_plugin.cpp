// A program with objects of its own and of a library that it loads, some of them lost or freed by the wrong one.
//
//   with_plugin LIBRARY nothing|program|library|foreign
#include <dlfcn.h>

#include <cstdio>
#include <flux/Allocator.hpp>
#include <list>
#include <string_view>

#include "plugin.hpp"

namespace {

std::list<Order, flux::Allocator<Order>> kept;

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string_view loser = arguments[2];
  void* const library = ::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 2;
  }
  const auto plugin_keep = reinterpret_cast<PluginKeep*>(::dlsym(library, "plugin_keep"));
  const auto plugin_make = reinterpret_cast<PluginMake*>(::dlsym(library, "plugin_make"));
  plugin_keep(1'000);
  kept.resize(1'000);
  for (int i = 0; loser == "program" && i != 10; ++i) static_cast<void>(flux::Allocator<Order>().allocate(1));
  for (int i = 0; loser == "library" && i != 10; ++i) static_cast<void>(plugin_make());
  if (loser == "foreign") flux::Allocator<Order>().deallocate(plugin_make(), 1);
  return 0;
}
