// A library that a program loads, with a copy of flux or the program's.
#include "plugin.hpp"

#include <flux/Allocator.hpp>
#include <list>

namespace {

std::list<Order, flux::Allocator<Order>> kept;

}  // namespace

extern "C" void plugin_keep(int count) { kept.resize(static_cast<std::size_t>(count)); }
extern "C" Order* plugin_make() { return flux::Allocator<Order>().allocate(1); }
