// Dozens of libraries with a flux of their own are loaded while threads run: their thread-local state needs no
// place in what the system keeps for those that are there from the start ("static TLS block").
//
//   many_copies LIBRARY COPIES
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "load.hpp"
#include "support/Require.hpp"

namespace {

namespace fs = std::filesystem;

using flux::test::require;

// The loader tells files apart, not names: each copy is one.
std::vector<void*> load_copies(const fs::path& library, int copies) {
  std::string folder = (fs::temp_directory_path() / "flux_test_XXXXXX").string();
  require(::mkdtemp(folder.data()) != nullptr, "a folder is made");
  std::vector<void*> loaded;
  for (int i = 0; i != copies; ++i) {
    const fs::path copy = fs::path(folder) / ("copy" + std::to_string(i) + ".so");
    fs::copy_file(library, copy);
    loaded.push_back(load(copy.c_str(), RTLD_LOCAL));
  }
  fs::remove_all(folder);
  return loaded;
}

/// The heaps of the calling thread, one for each copy.
std::size_t use_all(const std::vector<void*>& libraries) {
  std::set<const void*> heaps;
  std::vector<void*> objects;
  for (void* library : libraries) {
    objects.push_back(side_of(library).allocate());
    heaps.insert(side_of(library).heap());
  }
  for (std::size_t i = 0; i != objects.size(); ++i)
    side_of(libraries[(i + 1) % libraries.size()]).deallocate(objects[i]);
  return heaps.size();
}

}  // namespace

int main(int, char** arguments) {
  ::alarm(flux::test::kDeadline);
  std::vector<void*> libraries;
  std::atomic<bool> is_loaded{false};
  std::size_t heaps = 0;
  std::thread started_before([&] {
    while (!is_loaded) std::this_thread::yield();
    heaps = use_all(libraries);
  });
  libraries = load_copies(arguments[1], std::atoi(arguments[2]));
  is_loaded = true;
  started_before.join();
  require(heaps == libraries.size(), "each copy has a flux of its own");
  require(use_all(libraries) == libraries.size(), "each copy serves the main thread");
  for (void* library : libraries) require(::dlclose(library) == 0, "the library is closed");
  return 0;
}
