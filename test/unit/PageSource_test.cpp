// The system's page source: what it reserves is aligned, free of charge, inaccessible until committed, and
// goes back.
#include <sys/mman.h>

#include <sys/resource.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <flux/detail/memory/PageSource.hpp>
#include <fstream>
#include <string>

#include "support/Death.hpp"
#include "support/FailingPageSource.hpp"
#include "support/Memory.hpp"
#include "support/Pattern.hpp"
#include "support/Sanitizers.hpp"

BOOST_AUTO_TEST_SUITE(page_source_of_the_system)

namespace {

using namespace flux::test;
using namespace flux::detail;

constexpr std::size_t kMiB = std::size_t{1} << 20;

struct Reserved {
  explicit Reserved(std::size_t size, std::size_t alignment = kMiB)
      : begin(kSystemPages.reserve(size, alignment)), bytes(size) {}
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;
  ~Reserved() { kSystemPages.release(begin, bytes); }

  std::byte* begin;
  std::size_t bytes;
};

struct AddressLimit {
  explicit AddressLimit(std::size_t bytes) {
    ::getrlimit(RLIMIT_AS, &before);
    const rlimit lower{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_AS, &lower);
  }
  AddressLimit(const AddressLimit&) = delete;
  AddressLimit& operator=(const AddressLimit&) = delete;
  ~AddressLimit() { ::setrlimit(RLIMIT_AS, &before); }

  rlimit before{};
};

int signal_of_writing_to(std::byte* address) {
  return death_of([address] { *const_cast<volatile std::byte*>(address) = std::byte{1}; }).signal;
}

/// Whether a core file holds what lies there, as the system sees it.
bool is_dumped(const std::byte* address) {
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2) {
      is_here = begin <= reinterpret_cast<std::uintptr_t>(address) &&
                reinterpret_cast<std::uintptr_t>(address) < end;
    } else if (is_here && line.starts_with("VmFlags:")) {
      return line.find(" dd") == std::string::npos;
    }
  }
  return false;
}

bool is_same(const PageSource& one, const PageSource& other) {
  return one.reserve == other.reserve && one.release == other.release && one.commit == other.commit &&
         one.advise_huge == other.advise_huge && one.populate == other.populate &&
         one.discard == other.discard && one.address_limit == other.address_limit &&
         one.page_bytes == other.page_bytes;
}

}  // namespace

BOOST_AUTO_TEST_CASE(core_files_hold_what_is_committed_and_not_what_is_only_reserved) {
  const Reserved reserved(4 * kMiB);
  BOOST_TEST_REQUIRE(kSystemPages.commit(reserved.begin + kMiB, kMiB));
  BOOST_TEST(!is_dumped(reserved.begin));
  BOOST_TEST(is_dumped(reserved.begin + kMiB));
  BOOST_TEST(!is_dumped(reserved.begin + 2 * kMiB));
  kSystemPages.uncommit(reserved.begin + kMiB, kMiB);
}

BOOST_AUTO_TEST_CASE(reserved_space_has_the_alignment_asked_for) {
  for (std::size_t alignment = 4096; alignment <= 64 * kMiB; alignment *= 2)
    for (const std::size_t bytes : {std::size_t{4096}, kMiB, 32 * kMiB}) {
      const Reserved space(bytes, alignment);
      BOOST_REQUIRE(space.begin != nullptr);
      BOOST_TEST(is_aligned(space.begin, alignment));
    }
}

BOOST_AUTO_TEST_CASE(reserved_space_is_inaccessible_until_committed) {
  const Reserved space(2 * kMiB);
  BOOST_TEST(signal_of_writing_to(space.begin) == SIGSEGV);
  BOOST_TEST(kSystemPages.commit(space.begin, kMiB));
  BOOST_TEST(signal_of_writing_to(space.begin) == 0);
  BOOST_TEST(signal_of_writing_to(space.begin + kMiB - 1) == 0);
  BOOST_TEST(signal_of_writing_to(space.begin + kMiB) == SIGSEGV);
}

BOOST_AUTO_TEST_CASE(committed_pages_are_zero_and_keep_what_is_written) {
  const Reserved space(kMiB);
  BOOST_TEST(kSystemPages.commit(space.begin, kMiB));
  BOOST_TEST(
      std::all_of(space.begin, space.begin + kMiB, [](std::byte byte) { return byte == std::byte{0}; }));
  write_mark(space.begin, kMiB, 7);
  BOOST_TEST(has_mark(space.begin, kMiB, 7));
}

BOOST_AUTO_TEST_CASE(advice_changes_no_content) {
  const Reserved space(2 * kHugePageBytes, kHugePageBytes);
  BOOST_TEST(kSystemPages.commit(space.begin, space.bytes));
  for (const bool huge : {false, true, false}) {
    kSystemPages.advise_huge(space.begin, space.bytes, huge);
    write_mark(space.begin, space.bytes, 9);
    kSystemPages.advise_huge(space.begin, space.bytes, !huge);
    BOOST_TEST(has_mark(space.begin, space.bytes, 9));
  }
}

BOOST_AUTO_TEST_CASE(released_space_is_gone_to_the_last_page) {
  const std::size_t before = process_memory().address_space_bytes;
  for (int i = 0; i < 200; ++i) const Reserved space(32 * kMiB, 32 * kMiB);
  BOOST_TEST(process_memory().address_space_bytes < before + 1024 * kMiB);
}

BOOST_AUTO_TEST_CASE(more_than_there_is_cannot_be_reserved) {
  BOOST_TEST(kSystemPages.reserve(0 - 64 * kMiB, kMiB) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_not_reserved_cannot_be_committed) {
  std::byte* gone = nullptr;
  {
    const Reserved space(64 * kMiB);
    gone = space.begin;
  }
  BOOST_TEST(!kSystemPages.commit(gone, 64 * kMiB));
}

BOOST_AUTO_TEST_CASE(the_address_limit_is_what_the_process_may_have) {
  const std::size_t expected = 1 << 30;
  const AddressLimit limit(expected);
  BOOST_TEST(kSystemPages.address_limit() == expected);
}

BOOST_AUTO_TEST_CASE(a_stand_in_is_in_use_while_it_lives_and_no_longer) {
  BOOST_TEST(is_same(page_source, kSystemPages));
  {
    const FailingPageSource pages;
    BOOST_TEST(!is_same(page_source, kSystemPages));
    {
      const FailingPageSource inner(kSingleRegions);
      BOOST_TEST(page_source.address_limit() == kSingleRegions);
    }
    BOOST_TEST(page_source.address_limit() == kModestPieces);
  }
  BOOST_TEST(is_same(page_source, kSystemPages));
}

BOOST_AUTO_TEST_CASE(what_gives_memory_back_leaves_errno_alone_and_works_on_locked_pages) {
  constexpr std::size_t kBytes = std::size_t{2} << 20;
  std::byte* const begin = kSystemPages.reserve(kBytes, kBytes);
  BOOST_REQUIRE(kSystemPages.commit(begin, kBytes));
  *begin = std::byte{1};
  const bool is_locked = ::mlock(begin, 4096) == 0;
  errno = 77;
  kSystemPages.advise_huge(begin, kBytes, true);
  kSystemPages.discard(begin, kBytes);
  BOOST_TEST(errno == 77);
  if (is_locked && !is_under_valgrind()) BOOST_TEST((*begin == std::byte{0}));
  ::munlock(begin, 4096);
  kSystemPages.advise_huge(begin + 1, kBytes, true);  // refused: no page begins there
  kSystemPages.discard(begin + 1, kBytes);
  BOOST_TEST(errno == 77);
  kSystemPages.release(begin, kBytes);
}

BOOST_AUTO_TEST_SUITE_END()
