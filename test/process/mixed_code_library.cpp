#include <flux/Allocator.hpp>
#include <list>

#include "process/mixed_code.hpp"

namespace {

std::list<long, flux::Allocator<long>> filled;

}  // namespace

void fill_in_library(long count) {
  for (long i = 0; i != count; ++i) filled.push_back(i);
}

void clear_in_library() { filled.clear(); }

bool use_in_library(long count) {
  std::list<long, flux::Allocator<long>> list;
  for (long i = 0; i != count; ++i) list.push_back(i);
  long expected = 0;
  for (const long value : list) {
    if (value != expected++) return false;
  }
  return true;
}
