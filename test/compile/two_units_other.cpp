#include "two_units.hpp"

List make_elsewhere(long count) {
  List list;
  for (long i = 0; i < count; ++i) list.push_back(i);
  return list;
}

void free_elsewhere(List&& list) { List gone = std::move(list); }
