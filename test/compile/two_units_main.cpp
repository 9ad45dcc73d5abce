#include "two_units.hpp"

int main() {
  List here;
  for (long i = 0; i < 1000; ++i) here.push_back(i);
  List there = make_elsewhere(1000);
  here.splice(here.end(), there);
  long sum = 0;
  for (long value : here) sum += value;
  free_elsewhere(std::move(here));
  return sum == 999'000 ? 0 : 1;
}
