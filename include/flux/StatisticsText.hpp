#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <flux/Statistics.hpp>
#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/Text.hpp>

/// @file
/// Statistics for people, for programs, and for Prometheus. Whatever the stream's locale and flags are, digits come
/// plain. Any thread; throws std::bad_alloc, and what the stream throws.

namespace flux::inline FLUX_ABI {

namespace detail {

/// A column of a table: its cells, all as wide as the widest.
inline void align(std::vector<std::string>& cells, bool is_left) {
  std::size_t width = 0;
  for (const std::string& cell : cells) width = cell.size() < width ? width : cell.size();
  for (std::string& cell : cells) cell.insert(is_left ? cell.size() : 0, width - cell.size(), ' ');
}

/// The numbers of a domain that are not of a class, by the names that all texts use.
struct NamedNumber {
  std::string_view name;
  std::uint64_t value;
};
inline std::array<NamedNumber, 9> numbers_of(const DomainStatistics& domain) noexcept {
  return {{{"heaps", domain.heaps},
           {"parked_heaps", domain.parked_heaps},
           {"bytes_live", domain.bytes_live},
           {"bytes_retained", domain.bytes_retained},
           {"bytes_committed", domain.bytes_committed},
           {"bytes_reserved", domain.bytes_reserved},
           {"slow_calls", domain.slow_calls},
           {"chains_posted", domain.chains_posted},
           {"chains_collected", domain.chains_collected}}};
}
inline std::array<NamedNumber, 5> numbers_of(const ClassStatistics& objects) noexcept {
  return {{{"object_size", objects.object_size},
           {"slabs", objects.slabs},
           {"objects", objects.objects},
           {"live", objects.live},
           {"free", objects.free}}};
}

template <class Numbers>
void append_json(std::string& text, const Numbers& numbers) {
  for (const NamedNumber& number : numbers) {
    if (text.back() != '{') text += ',';
    (text += quoted(number.name)) += ':';
    text += std::to_string(number.value);
  }
}

}  // namespace detail

/// A table: a line per domain and size class, then a line per domain. Control characters in a tag's name become '?'.
inline std::ostream& operator<<(std::ostream& out, const Statistics& statistics) {
  std::array<std::vector<std::string>, 6> columns{
      {{"tag"}, {"object size"}, {"slabs"}, {"objects"}, {"live"}, {"free"}}};
  for (const DomainStatistics& domain : statistics.domains) {
    for (const ClassStatistics& objects : domain.classes) {
      columns[0].push_back(detail::printable(domain.tag));
      const auto numbers = detail::numbers_of(objects);
      for (std::size_t i = 0; i != numbers.size(); ++i)
        columns[i + 1].push_back(std::to_string(numbers[i].value));
    }
  }
  for (std::size_t i = 0; i != columns.size(); ++i) detail::align(columns[i], i == 0);
  std::string text;
  for (std::size_t line = 0; line != columns[0].size(); ++line) {
    for (const std::vector<std::string>& column : columns)
      ((text += &column == columns.data() ? "" : "  ") += column[line]);
    text += '\n';
  }
  for (const DomainStatistics& domain : statistics.domains) {
    (text += detail::printable(domain.tag)) += ':';
    for (const auto& [name, value] : detail::numbers_of(domain))
      (((text += ' ') += name) += ' ') += std::to_string(value);
    text += '\n';
  }
  out.width(0);  // as all that is written by << leaves it
  return out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

/// An object {"domains": [{"tag": ..., "heaps": ..., "classes": [{"object_size": ...}]}]}, the fields named as the
/// members of the structures are, in one line.
inline void write_json(std::ostream& out, const Statistics& statistics) {
  std::string text = "{\"domains\":[";
  for (const DomainStatistics& domain : statistics.domains) {
    if (text.back() == '}') text += ',';
    (text += "{\"tag\":") += detail::quoted(domain.tag);
    detail::append_json(text, detail::numbers_of(domain));
    text += ",\"classes\":[";
    for (const ClassStatistics& objects : domain.classes) {
      text += text.back() == '}' ? ",{" : "{";
      detail::append_json(text, detail::numbers_of(objects));
      text += '}';
    }
    text += "]}";
  }
  text += "]}\n";
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

/// Metrics in the text format of Prometheus, version 0.0.4: flux_slabs, flux_objects and flux_live_objects by tag and
/// object_size; flux_heaps, flux_bytes_live and so on by tag; counters end in _total. Of tags that share a name, as two
/// providers may, the sum: labels tell samples apart.
inline void write_prometheus(std::ostream& out, const Statistics& statistics) {
  struct Sample {
    std::string labels;
    std::uint64_t value;
  };
  std::vector<Sample> samples;
  const auto add = [&samples](std::string_view tag, const std::string& more, std::uint64_t value) {
    const std::string labels = "{tag=" + detail::quoted(tag) + more + '}';
    const auto is_same = [&labels](const Sample& sample) { return sample.labels == labels; };
    const auto found = std::find_if(samples.begin(), samples.end(), is_same);
    if (found == samples.end()) {
      samples.push_back({labels, value});
    } else {
      found->value += value;
    }
  };
  std::string text;
  const auto write = [&](const std::string& name, std::string_view type, std::string_view help) {
    ((((text += "# HELP flux_") += name) += ' ') += help) += '\n';
    ((((text += "# TYPE flux_") += name) += ' ') += type) += '\n';
    for (const Sample& sample : samples)
      (((((text += "flux_") += name) += sample.labels) += ' ') += std::to_string(sample.value)) += '\n';
    samples.clear();
  };
  const auto write_classes = [&](const std::string& name, std::string_view help,
                                 std::size_t ClassStatistics::*number) {
    for (const DomainStatistics& domain : statistics.domains) {
      for (const ClassStatistics& objects : domain.classes)
        add(domain.tag, ",object_size=\"" + std::to_string(objects.object_size) + '"', objects.*number);
    }
    write(name, "gauge", help);
  };
  write_classes("slabs", "Slabs of a size class.", &ClassStatistics::slabs);
  write_classes("objects", "Objects that the slabs of a size class hold.", &ClassStatistics::objects);
  write_classes("live_objects", "Objects of a size class in use.", &ClassStatistics::live);
  const std::array<std::string_view, 9> helps{"Thread heaps, with the parked ones.",
                                              "Thread heaps whose threads have ended.",
                                              "Bytes in live objects.",
                                              "Bytes in free slabs that may still be resident.",
                                              "Bytes committed.",
                                              "Bytes of address space reserved.",
                                              "Refills and spills of heaps' owners.",
                                              "Chains of objects sent home by other threads.",
                                              "Chains of objects taken home."};
  constexpr std::size_t kGauges = 6;
  for (std::size_t i = 0; i != helps.size(); ++i) {
    for (const DomainStatistics& domain : statistics.domains)
      add(domain.tag, "", detail::numbers_of(domain)[i].value);
    const std::string name(detail::numbers_of(DomainStatistics{})[i].name);
    write(i < kGauges ? name : name + "_total", i < kGauges ? "gauge" : "counter", helps[i]);
  }
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace flux::inline FLUX_ABI
