// What the two sources of one program hand to each other.
#pragma once

#include <flux/flux.hpp>
#include <list>

using List = std::list<long, flux::Allocator<long>>;

List make_elsewhere(long count);
void free_elsewhere(List&& list);
