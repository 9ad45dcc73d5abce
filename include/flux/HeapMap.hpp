#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flux/Statistics.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Markup.hpp>
#include <flux/detail/base/Text.hpp>
#include <flux/detail/heap/HeapSnapshot.hpp>

/// @file
/// A picture of the memory that flux has.

namespace flux::inline FLUX_ABI {

namespace detail {

struct DomainSnapshot {
  DomainStatistics numbers;
  std::vector<HeapSnapshot> heaps;
};

/// Of the domains that stats() speaks of. Throws std::bad_alloc.
inline std::vector<DomainSnapshot> snapshots() {
  std::vector<DomainSnapshot> domains;
  Wait wait;
  for (const auto& heaps : heaps_by_domain()) {
    DomainSnapshot& domain = domains.emplace_back(DomainSnapshot{count_domain(heaps), {}});
    for (ThreadHeap* const heap : heaps) domain.heaps.push_back(snapshot_of(*heap, wait));
  }
  return domains;
}

// Draws from top to bottom: totals, what the colours mean, then for each domain its heaps, and of each heap its regions, as
// rows of units. Neighbours that look alike are one rectangle, so that a picture of many slabs stays small.
//
//   y_: where the next thing goes
class HeapMap {
 public:
  explicit HeapMap(const std::vector<DomainSnapshot>& domains) {
    count(domains);
    draw_totals(domains);
    if (domains.empty()) return;
    draw_uses();
    draw_classes();
    for (const DomainSnapshot& domain : domains) draw_domain(domain);
  }

  /// The picture, which needs no other file.
  std::string text() const {
    const std::string height = std::to_string(y_ + kMargin);
    std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(kWidth) +
                       "\" height=\"" + height + "\" viewBox=\"0 0 " + std::to_string(kWidth) + ' ' + height +
                       "\">\n<style>\n";
    text += kStyle;
    for (std::size_t i = 0; i != kColours.size(); ++i)
      (((((text += ".c") += std::to_string(i)) += "{fill:") += kColours[i]) += "}\n");
    for (std::size_t i = 0; i <= kLevels; ++i)
      ((((text += ".l") += std::to_string(i)) += "{fill-opacity:") += kOpacities[i]) += "}\n";
    text += "</style>\n<defs>\n";
    text += kPatterns;
    text += "</defs>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n";
    return (text += body_) += "</svg>\n";
  }

 private:
  // Pixels, but for kRow and kNameLength.
  static constexpr std::size_t kMargin = 16;
  static constexpr std::size_t kRow = 128;  ///< units side by side
  static constexpr std::size_t kUnitWidth = 7;
  static constexpr std::size_t kRowHeight = 10;
  static constexpr std::size_t kWidth = 2 * kMargin + kRow * kUnitWidth;
  static constexpr std::size_t kLine = 16;
  static constexpr std::size_t kSwatch = 28;
  static constexpr std::size_t kNameLength = 90;

  // Okabe and Ito, Color Universal Design: colours that those who see few of them can tell apart. The last is for all classes
  // that have none of their own.
  static constexpr std::array<std::string_view, 8> kColours{"#0072b2", "#e69f00", "#009e73", "#d55e00",
                                                            "#cc79a7", "#56b4e9", "#b8a800", "#000000"};
  static constexpr std::size_t kOther = kColours.size() - 1;

  // How dark a slab is, by fifths of its objects that are out; 0 for none.
  static constexpr std::size_t kLevels = 5;
  static constexpr std::array<std::string_view, kLevels + 1> kOpacities{".1", ".25", ".4", ".6", ".8", "1"};

  // By UnitUse.
  static constexpr std::array<std::string_view, 6> kUses{
      "reserved: addresses alone",  "free: takes no memory",       "free: perhaps still resident",
      "left out before huge pages", "records and the heap itself", "slabs"};

  static constexpr std::string_view kStyle =
      "text{font:11px sans-serif;fill:#222}\n.h{font-weight:bold;font-size:13px}\n.paper{fill:#fff}\n"
      ".u0{fill:url(#reserved)}\n.u1{fill:#eee}\n.u2{fill:url(#retained)}\n.u3{fill:url(#withheld)}\n"
      ".u4{fill:url(#own)}\n"
      ".grid{fill:url(#grid);pointer-events:none}\n.level{fill:#0072b2}\n";
  static constexpr std::string_view kPatterns =
      "<pattern id=\"reserved\" width=\"7\" height=\"5\" patternUnits=\"userSpaceOnUse\" x=\"16\">"
      "<circle cx=\"3\" cy=\"2.5\" r=\".8\" fill=\"#aaa\"/></pattern>\n"
      "<pattern id=\"retained\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
      "<rect width=\"4\" height=\"4\" fill=\"#eee\"/><path d=\"M-1 5L5 -1M-1 1L1 -1M3 5L5 3\" "
      "stroke=\"#666\"/></pattern>\n"
      "<pattern id=\"own\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
      "<rect width=\"4\" height=\"4\" fill=\"#444\"/><path d=\"M0 0L4 4M4 0L0 4\" "
      "stroke=\"#ccc\"/></pattern>\n"
      "<pattern id=\"withheld\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">"
      "<rect width=\"4\" height=\"4\" fill=\"#eee\"/><path d=\"M0 2H4\" stroke=\"#999\"/></pattern>\n"
      "<pattern id=\"grid\" width=\"7\" height=\"10\" patternUnits=\"userSpaceOnUse\" x=\"16\">"
      "<rect x=\"6\" width=\"1\" height=\"10\" fill=\"#fff\"/></pattern>\n";

  static std::size_t level_of(std::size_t out, std::size_t objects) noexcept {
    return (out * kLevels + objects - 1) / objects;
  }
  static std::size_t level_of(const UnitState& unit) noexcept {
    const std::size_t objects = kSizeClassInfo[unit.size_class].capacity;
    return level_of(objects - unit.home, objects);
  }
  static bool looks_alike(const UnitState& left, const UnitState& right) noexcept {
    if (left.use != right.use || left.use != UnitUse::kSlab) return left.use == right.use;
    return left.size_class == right.size_class && level_of(left) == level_of(right);
  }

  /// What the domains have together; the classes with the most memory get colours of their own.
  void count(const std::vector<DomainSnapshot>& domains) {
    colours_.fill(kOther);
    for (const DomainSnapshot& domain : domains) {
      for (const ClassStatistics& objects : domain.numbers.classes) {
        ClassStatistics& all = classes_[size_class_of(objects.object_size)];
        all = {objects.object_size, all.slabs + objects.slabs, all.objects + objects.objects,
               all.live + objects.live, all.free + objects.free};
      }
      all_.heaps += domain.numbers.heaps;
      all_.parked_heaps += domain.numbers.parked_heaps;
      all_.bytes_live += domain.numbers.bytes_live;
      all_.bytes_retained += domain.numbers.bytes_retained;
      all_.bytes_committed += domain.numbers.bytes_committed;
      all_.bytes_reserved += domain.numbers.bytes_reserved;
      for (const HeapSnapshot& heap : domain.heaps) count_units(heap, units_);
    }
    // Of addresses also those that no region was opened in.
    units_[0] = (all_.bytes_reserved - std::min(all_.bytes_committed, all_.bytes_reserved)) / kUnitBytes;
    for (std::size_t colour = 0; colour != kOther; ++colour) {
      const auto has_less = [this](unsigned left, unsigned right) { return rank(left) < rank(right); };
      std::array<unsigned, kSizeClasses> all{};
      for (unsigned c = 0; c != kSizeClasses; ++c) all[c] = c;
      const unsigned most = *std::max_element(all.begin(), all.end(), has_less);
      if (rank(most) == 0) return;
      colours_[most] = colour;
    }
  }
  std::size_t rank(unsigned size_class) const noexcept {
    return colours_[size_class] != kOther ? 0 : classes_[size_class].slabs * kSizeClassInfo[size_class].units;
  }

  static void count_units(const HeapSnapshot& heap, std::array<std::size_t, kUses.size()>& units) noexcept {
    for (const RegionSnapshot& region : heap.regions)
      for (const UnitState& unit : region.units) ++units[static_cast<std::size_t>(unit.use)];
  }

  /// The name of a style. Not by operator+, in which g++ 12 sees an overlap that is not there.
  static std::string style(std::string_view kind, std::size_t number) {
    return std::string(kind) += std::to_string(number);
  }

  void draw_text(std::size_t x, const std::string& text, std::string_view looks = {}) {
    ((((body_ += "<text x=\"") += std::to_string(x)) += "\" y=\"") += std::to_string(y_ + kLine - 4)) += '"';
    if (!looks.empty()) ((body_ += " class=\"") += looks) += '"';
    ((body_ += '>') += text) += "</text>\n";
  }

  void draw_box(std::size_t x, std::size_t width, const std::string& looks, const std::string& title) {
    ((((body_ += "<rect x=\"") += std::to_string(x)) += "\" y=\"") += std::to_string(y_)) += "\" width=\"";
    (((body_ += std::to_string(width)) += "\" height=\"9\" class=\"") += looks) += '"';
    if (title.empty()) body_ += "/>\n";
    if (!title.empty()) ((body_ += "><title>") += title) += "</title></rect>\n";
  }

  /// A coloured box and what it means, in the column of so many of the row at y_.
  void draw_meaning(std::size_t column, std::size_t columns, const std::string& looks,
                    const std::string& text) {
    const std::size_t x = kMargin + column * (kWidth - 2 * kMargin) / columns;
    y_ += 3;
    draw_box(x, kSwatch, looks, {});
    y_ -= 3;
    draw_text(x + kSwatch + 6, text);
  }

  void draw_totals(const std::vector<DomainSnapshot>& domains) {
    y_ = kMargin / 2;
    draw_text(kMargin,
              "flux: " + counted(domains.size(), "tag") + ", " + counted(all_.heaps, "heap") + " (" +
                  grouped(all_.parked_heaps) + " of ended threads)",
              "h");
    y_ += kLine;
    draw_text(kMargin, sizes(all_));
    y_ += kLine;
    draw_text(
        kMargin,
        "A cell is 64 KiB. Objects are out while they are live, in a thread's bin, or on their way home.");
    y_ += kLine + 4;
  }

  static std::string sizes(const DomainStatistics& numbers) {
    return in_bytes(numbers.bytes_live) + " in live objects, " + in_bytes(numbers.bytes_committed) +
           " committed, of which " + in_bytes(numbers.bytes_retained) + " free and perhaps still resident; " +
           in_bytes(numbers.bytes_reserved) + " of addresses";
  }

  void draw_uses() {
    for (std::size_t use = 0; use != kUses.size() - 1; ++use) {
      draw_meaning(use % 3, 3, style("u", use),
                   std::string(kUses[use]) + ", " + in_bytes(units_[use] * kUnitBytes));
      if (use % 3 == 2) y_ += kLine;
    }
    const std::size_t x = kMargin + 2 * (kWidth - 2 * kMargin) / 3;
    y_ += 3;
    for (std::size_t level = 0; level <= kLevels; ++level)
      draw_box(x + level * kSwatch / 2, kSwatch / 2, style("level l", level), {});
    y_ -= 3;
    draw_text(x + (kLevels + 1) * kSwatch / 2 + 6, "slabs: none to all objects out");
    y_ += kLine + 4;
  }

  void draw_classes() {
    std::size_t drawn = 0;
    for (unsigned c = 0; c != kSizeClasses; ++c) {
      const ClassStatistics& objects = classes_[c];
      if (objects.slabs == 0) continue;
      draw_meaning(drawn % 3, 3, style("c", colours_[c]),
                   "<title>" + grouped(objects.live) + " of " + grouped(objects.objects) +
                       " objects live</title>" + in_bytes(objects.object_size) + ": " +
                       counted(objects.slabs, "slab") + ", " +
                       std::to_string(objects.live * 100 / objects.objects) + " % live");
      if (++drawn % 3 == 0) y_ += kLine;
    }
    y_ += (drawn % 3 == 0 ? 0 : kLine) + 4;
  }

  void draw_domain(const DomainSnapshot& domain) {
    const DomainStatistics& numbers = domain.numbers;
    y_ += 6;
    draw_text(kMargin, "<title>" + escaped(numbers.tag) + "</title>tag " + escaped(numbers.tag, kNameLength),
              "h");
    y_ += kLine;
    draw_text(kMargin, counted(numbers.heaps, "heap") + ": " + sizes(numbers));
    y_ += kLine;
    for (const HeapSnapshot& heap : domain.heaps) draw_heap(heap);
  }

  void draw_heap(const HeapSnapshot& heap) {
    const HeapNumbers& numbers = heap.numbers;
    std::string text = "heap at " + hexadecimal(heap.heap);
    text += numbers.is_owned ? ", of a thread: " : ", of an ended thread: ";
    text += counted(numbers.slabs, "slab") + ", " + in_bytes(numbers.committed_bytes) + " committed, " +
            in_bytes(numbers.retained_bytes) + " free and perhaps still resident";
    if (heap.regions.empty())
      text += "; not drawn, because its thread was at work on it or has reserved memory";
    draw_text(kMargin, text);
    y_ += kLine + 1;
    for (const RegionSnapshot& region : heap.regions) draw_region(region);
  }

  /// Without the rows of which all is reserved.
  void draw_region(const RegionSnapshot& region) {
    const std::size_t top = y_;
    std::size_t end = kUnitsPerRegion;
    while (end > kRow && region.units[end - kRow].use == UnitUse::kReserved) end -= kRow;
    for (std::size_t row = 0; row != end; row += kRow, y_ += kRowHeight) {
      for (std::size_t unit = row; unit != row + kRow;) unit = draw_run(region, unit);
    }
    ((((body_ += "<rect x=\"") += std::to_string(kMargin)) += "\" y=\"") += std::to_string(top)) +=
        "\" width=\"";
    ((body_ += std::to_string(kRow * kUnitWidth)) += "\" height=\"") += std::to_string(y_ - top);
    body_ += "\" class=\"grid\"/>\n";
    y_ += 3;
  }

  /// A unit, or the slab that begins there, and its neighbours on the right that look like it; returns where the next begins.
  std::size_t draw_run(const RegionSnapshot& region, std::size_t first) {
    const UnitState& unit = region.units[first];
    const std::size_t end_of_row = first / kRow * kRow + kRow;
    const std::size_t step = units_of(unit);
    std::size_t last = first;
    std::size_t home = 0;
    for (; last != end_of_row && looks_alike(region.units[last], unit); last += step)
      home += region.units[last].home;
    const std::size_t x = kMargin + first % kRow * kUnitWidth;
    std::string looks, title;
    if (unit.use == UnitUse::kSlab) {
      const std::size_t slabs = (last - first) / step;
      const std::size_t objects = slabs * kSizeClassInfo[unit.size_class].capacity;
      looks = style("c", colours_[unit.size_class]) + ' ' + style("l", level_of(unit));
      title = in_bytes(stride_of(unit.size_class)) + ": " + counted(slabs, "slab") + " with " +
              grouped(objects - home) + " of " + grouped(objects) + " objects out";
    } else {
      looks = style("u", static_cast<std::size_t>(unit.use));
      title = std::string(kUses[static_cast<std::size_t>(unit.use)]) + ", " +
              in_bytes((last - first) * kUnitBytes);
    }
    draw_box(x, (last - first) * kUnitWidth, looks,
             title + ", at " + hexadecimal(region.begin + first * kUnitBytes));
    return last;
  }

  std::string body_;
  std::size_t y_ = 0;
  DomainStatistics all_{};
  std::array<ClassStatistics, kSizeClasses> classes_{};
  std::array<std::size_t, kSizeClasses> colours_{};  ///< of kColours
  std::array<std::size_t, kUses.size()> units_{};    ///< by UnitUse
};

}  // namespace detail

/// Writes a picture of all heaps, as SVG that needs no other file: by tag and heap a row of units of 64 KiB for each region,
/// slabs coloured by size class and the darker the more of their objects are out, with totals, and numbers where the pointer
/// rests. Some 150 bytes for each run of slabs that look alike: 10,000 slabs at most take some 1.5 MB. Digits are plain
/// whatever the stream's locale and flags are.
///
/// Any thread, at any time, but not from signal handlers. Each heap is drawn as it was at one moment, its numbers and its
/// cells: it is kept locked while they are copied, some microseconds for each 32 MiB, and longer only where the system lets the
/// caller not run meanwhile. For as long wait its thread, where a bin runs full or empty, where it reserves or trims, and where
/// it ends; any thread that trims, or forks; and a thread that begins, where it would take over the heap of an ended one: after
/// 64 tries it takes another. Fast paths, and frees on other threads, wait for nothing. Heaps that trim() would leave alone,
/// whose threads have reserved memory or are inside flux for longer, are there by their numbers only. Heaps are of different
/// moments, and totals those of stats(): exact when no thread allocates or frees meanwhile. What lies in bins counts as out; what lies in a flux::Heap or a flux::HandlePool is not drawn.
///
/// Throws std::bad_alloc, and what the stream throws; nothing is locked then, and nothing has changed.
inline void write_heap_map(std::ostream& out) {
  const std::string text = detail::HeapMap(detail::snapshots()).text();
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace flux::inline FLUX_ABI
