// A page source that fails when it is told to, and keeps a ledger of what passed through it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <flux/detail/base/Tools.hpp>
#include <flux/detail/slab/RegionMap.hpp>
#include <iterator>
#include <map>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

namespace flux::test {

/// The address limits that make reserve_regions ask for pieces of at most kMostRegions, kSomeRegions and one.
inline constexpr std::size_t kLargePieces = SIZE_MAX;
inline constexpr std::size_t kModestPieces = 64 * detail::kSomeRegions * detail::kRegionBytes;
inline constexpr std::size_t kSingleRegions = 16 * detail::kRegionBytes;

/// Stands in for flux::detail::page_source while it lives; any number of threads may use it then. No other
/// thread may use flux while it begins or ends. What is still reserved at its end is released: nothing may
/// lie there any more.
class FailingPageSource {
 public:
  /// `page_bytes`: what flux is to take for the size of a page, no less than it is.
  explicit FailingPageSource(std::size_t address_limit = kModestPieces,
                             std::size_t page_bytes = detail::System::page_bytes())
      : limit_(address_limit), page_bytes_(page_bytes), reserved_before_(detail::reserved_bytes.exchange(0)) {
    current_ = this;
    detail::page_source = {reserve,          release,  commit,  uncommit,
                           advise_huge,      populate, discard, address_limit_in_use,
                           page_bytes_in_use};
  }
  FailingPageSource(const FailingPageSource&) = delete;
  FailingPageSource& operator=(const FailingPageSource&) = delete;
  ~FailingPageSource() {
    release_all();
    detail::page_source = replaced_;
    detail::reserved_bytes = reserved_before_;
    current_ = outer_;
  }

  /// Of the calls of reserve, commit and populate from now on, counted from 1: the first n fail, only the n-th, all
  /// from the n-th on, or none.
  void fail_first(std::size_t n) { set_failing(1, n); }
  void fail_at(std::size_t n) { set_failing(n, n); }
  void fail_from(std::size_t n) { set_failing(n, SIZE_MAX); }
  void fail_never() { set_failing(SIZE_MAX, 0); }

  /// Calls of reserve, commit and populate since the last of the four above.
  std::size_t calls() const { return calls_; }

  std::size_t pieces() const { return pieces_.size(); }
  std::size_t reserved_bytes() const { return total(pieces_); }
  std::size_t committed_bytes() const { return total(committed_); }
  std::size_t advised_huge_bytes() const { return advised_[true]; }
  std::size_t advised_small_bytes() const { return advised_[false]; }
  /// What was asked last for the pages at an address.
  bool is_advised_huge(const void* address) const {
    return is_huge_.at(reinterpret_cast<std::uintptr_t>(address) / detail::kHugePageBytes);
  }
  std::size_t populated_bytes() const { return populated_; }
  std::size_t discarded_bytes() const { return discarded_; }
  std::size_t discards() const { return discards_; }

  /// Sizes that were asked of reserve, whether given or not.
  const std::vector<std::size_t>& requests() const { return requests_; }

  bool holds(const void* address) const { return is_within(pieces_, address, 1); }

  /// The first misuse: a release, commit or advice that no earlier call allows, or a part of a page. Empty when there was
  /// none.
  const std::string& complaint() const { return complaint_; }

  void release_all() {
    // As an uncommit does: a checker that still takes them for free objects would find a thread's stack among them.
    for (const auto& [begin, bytes] : committed_) detail::announce_no_object(begin, bytes);
    for (const auto& [begin, bytes] : pieces_) {
      for (std::size_t at = 0; at != bytes; at += detail::kRegionBytes) detail::region_map.remove(begin + at);
      replaced_.release(begin, bytes);
    }
    pieces_.clear();
    committed_.clear();
  }

 private:
  using Ranges = std::map<std::byte*, std::size_t>;

  static std::size_t total(const Ranges& ranges) {
    return std::accumulate(ranges.begin(), ranges.end(), std::size_t{0},
                           [](std::size_t sum, const auto& range) { return sum + range.second; });
  }

  static bool is_within(const Ranges& ranges, const void* address, std::size_t bytes) {
    auto* const begin = static_cast<std::byte*>(const_cast<void*>(address));
    const auto after = ranges.upper_bound(begin);
    if (after == ranges.begin()) return false;
    const auto& [first, size] = *std::prev(after);
    return static_cast<std::size_t>(begin - first) + bytes <= size;
  }

  /// Committed in one piece, or in several side by side.
  bool is_committed(std::byte* begin, std::size_t bytes) const {
    for (std::byte* at = begin; at != begin + bytes;) {
      const auto after = committed_.upper_bound(at);
      if (after == committed_.begin()) return false;
      std::byte* const end = std::prev(after)->first + std::prev(after)->second;
      if (end <= at) return false;
      at = std::min(end, begin + bytes);
    }
    return true;
  }

  void set_failing(std::size_t first, std::size_t last) {
    calls_ = 0;
    first_failing_ = first;
    last_failing_ = last;
  }

  bool fails_now() {
    ++calls_;
    if (calls_ < first_failing_ || last_failing_ < calls_) return false;
    errno = ENOMEM;  // as the system does
    return true;
  }

  void expect_pages(const std::byte* begin, std::size_t bytes) {
    expect((reinterpret_cast<std::uintptr_t>(begin) | bytes) % page_bytes_ == 0, "a part of a page");
  }

  void expect(bool is_allowed, const char* what) {
    if (!is_allowed && complaint_.empty()) complaint_ = what;
  }

  static std::byte* reserve(std::size_t bytes, std::size_t alignment) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    self.requests_.push_back(bytes);
    std::byte* const begin = self.fails_now() ? nullptr : self.replaced_.reserve(bytes, alignment);
    if (begin != nullptr) self.pieces_.emplace(begin, bytes);
    return begin;
  }

  static void release(std::byte* begin, std::size_t bytes) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    const auto piece = self.pieces_.find(begin);
    self.expect(piece != self.pieces_.end() && piece->second == bytes, "release of what was not reserved");
    if (piece != self.pieces_.end()) self.pieces_.erase(piece);
    self.committed_.erase(self.committed_.lower_bound(begin), self.committed_.lower_bound(begin + bytes));
    self.replaced_.release(begin, bytes);
  }

  static bool commit(std::byte* begin, std::size_t bytes) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    self.expect_pages(begin, bytes);
    self.expect(is_within(self.pieces_, begin, bytes), "commit outside of what is reserved");
    self.expect(!is_within(self.committed_, begin, 1), "commit of what is committed already");
    if (self.fails_now() || !self.replaced_.commit(begin, bytes)) return false;
    self.committed_.emplace(begin, bytes);
    return true;
  }

  static void uncommit(std::byte* begin, std::size_t bytes) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    const auto committed = self.committed_.find(begin);
    const bool is_whole = committed != self.committed_.end() && committed->second == bytes;
    self.expect(is_whole, "uncommit of what was not committed so");
    if (is_whole) self.committed_.erase(committed);
    self.replaced_.uncommit(begin, bytes);
  }

  static void advise_huge(std::byte* begin, std::size_t bytes, bool huge) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    self.expect_pages(begin, bytes);
    self.expect(is_within(self.committed_, begin, bytes), "advice on what is not committed");
    self.expect(bytes == detail::kHugePageBytes, "advice on other than a block");
    self.advised_[huge] += bytes;
    self.is_huge_[reinterpret_cast<std::uintptr_t>(begin) / detail::kHugePageBytes] = huge;
    self.replaced_.advise_huge(begin, bytes, huge);
  }

  static bool populate(std::byte* begin, std::size_t bytes) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    self.expect_pages(begin, 0);
    self.expect(self.is_committed(begin, bytes), "populating what is not committed");
    self.populated_ += bytes;
    return !self.fails_now() && self.replaced_.populate(begin, bytes);
  }

  static void discard(std::byte* begin, std::size_t bytes) noexcept {
    FailingPageSource& self = *current_;
    const std::lock_guard lock(self.mutex_);
    self.expect_pages(begin, bytes);
    self.expect(self.is_committed(begin, bytes), "discarding what is not committed");
    self.discarded_ += bytes;
    ++self.discards_;
    self.replaced_.discard(begin, bytes);
  }

  static std::size_t address_limit_in_use() noexcept { return current_->limit_; }
  static std::size_t page_bytes_in_use() noexcept { return current_->page_bytes_; }

  static inline FailingPageSource* current_ = nullptr;

  detail::PageSource replaced_ = detail::page_source;
  FailingPageSource* outer_ = current_;
  std::size_t limit_;
  std::size_t page_bytes_;
  std::size_t reserved_before_;
  std::mutex mutex_;
  std::size_t calls_ = 0;
  std::size_t first_failing_ = SIZE_MAX;
  std::size_t last_failing_ = 0;
  std::vector<std::size_t> requests_;
  Ranges pieces_;
  Ranges committed_;
  std::size_t advised_[2] = {};
  std::map<std::uintptr_t, bool> is_huge_;
  std::size_t populated_ = 0;
  std::size_t discarded_ = 0;
  std::size_t discards_ = 0;
  std::string complaint_;
};

}  // namespace flux::test
