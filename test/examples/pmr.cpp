// Polymorphic memory resources.
#include <flux/MemoryResource.hpp>

#include <list>
#include <map>
#include <memory_resource>
#include <string>

int main() {
  std::pmr::map<int, std::pmr::string> names(flux::memory_resource());  // this container and all that is in it
  names[1] = "a name that is too long to lie in the string itself";

  std::pmr::set_default_resource(flux::memory_resource());              // every std::pmr container that names none
  std::pmr::list<int> numbers{3, 1, 2};

  return names.get_allocator().resource()->is_equal(*numbers.get_allocator().resource()) ? 0 : 1;
}
