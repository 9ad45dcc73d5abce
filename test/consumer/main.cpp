// The program of every consumer project. Told "checked", it is to have been compiled so, else not.
#include <flux/Version.hpp>
#include <flux/flux.hpp>
#include <list>
#include <string_view>
#include <thread>

int main(int argc, char** argv) {
  std::list<int, flux::Allocator<int>> numbers;
  std::thread([&] { numbers.assign(1000, 7); }).join();
  numbers.pop_back();
  const bool is_to_be_checked = argc > 1 && std::string_view(argv[1]) == "checked";
  if (flux::kIsChecked != is_to_be_checked || flux::kVersion < flux::Version{1, 0, 0}) return 1;
  return numbers.size() == 999 ? 0 : 1;
}
