// What there is.
#include <flux/Allocator.hpp>
#include <flux/StatisticsText.hpp>
#include <flux/Visit.hpp>

#include <iostream>
#include <list>

int main() {
  {
    std::list<long, flux::Allocator<long>> list(1000);

    std::cout << flux::stats();                         // or flux::write_json, flux::write_prometheus

    flux::visit([](const flux::SlabView& slab) {        // slabs of no tag; visit<Tag> for a tag's, visit_all for all
      std::cout << slab.begin() << ": " << slab.live() << " of " << slab.objects() << " objects are live\n";
    });
  }

  std::size_t leaks = flux::report_leaks(std::cerr);  // at the end: size, tag, count and addresses of what is live

  return leaks == 0 ? 0 : 1;
}
