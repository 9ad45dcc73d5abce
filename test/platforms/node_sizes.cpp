// What the nodes of this standard library's containers take, and of which size class they come: a row of a table.
#include <cstddef>
#include <cstdio>
#include <flux/Allocator.hpp>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace {

std::size_t last_bytes = 0;

// Notes the size of what is allocated one at a time.
template <class T>
struct Noting {
  using value_type = T;
  Noting() = default;
  template <class U>
  Noting(const Noting<U>&) {}
  T* allocate(std::size_t n) {
    if (n == 1) last_bytes = sizeof(T);
    return std::allocator<T>().allocate(n);
  }
  void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
  template <class U>
  bool operator==(const Noting<U>&) const {
    return true;
  }
};

void print(const char* what) {
  const unsigned size_class = flux::detail::size_class_of(last_bytes);
  std::printf("| `%s` | %zu | %zu |\n", what, last_bytes, flux::detail::stride_of(size_class));
}

template <class Container>
void print_node(const char* what) {
  Container container;
  if constexpr (requires { container.push_front(1L); }) {
    container.push_front(1L);
  } else {
    container.emplace();
  }
  print(what);
}

}  // namespace

int main() {
  using Pair = std::pair<const long, long>;
  using Less = std::less<long>;
  using Hash = std::hash<long>;
  using Equal = std::equal_to<long>;
  print_node<std::forward_list<long, Noting<long>>>("std::forward_list<long>");
  print_node<std::list<long, Noting<long>>>("std::list<long>");
  print_node<std::set<long, Less, Noting<long>>>("std::set<long>");
  print_node<std::map<long, long, Less, Noting<Pair>>>("std::map<long, long>");
  print_node<std::unordered_set<long, Hash, Equal, Noting<long>>>("std::unordered_set<long>");
  print_node<std::unordered_map<long, long, Hash, Equal, Noting<Pair>>>("std::unordered_map<long, long>");
  print_node<std::unordered_set<std::string, std::hash<std::string>, std::equal_to<std::string>,
                                Noting<std::string>>>("std::unordered_set<std::string>");
  static_cast<void>(std::allocate_shared<long>(Noting<long>()));
  print("std::allocate_shared<long>");
}
