// Whether a text is XML that any reader takes.
#pragma once

#include <cctype>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace flux::test {

/// What is wrong with a document of elements, attributes and text in ASCII, or an empty text.
class MarkupCheck {
 public:
  static std::string complaint_about(std::string_view document) {
    MarkupCheck check(document);
    while (check.complaint_.empty() && !check.rest_.empty()) check.read();
    if (check.complaint_.empty() && (!check.open_.empty() || check.roots_ != 1))
      check.complaint_ = "not one element around all";
    return check.complaint_;
  }

 private:
  explicit MarkupCheck(std::string_view document) : rest_(document) {}

  void read() {
    if (rest_.front() != '<') return read_text(rest_.find('<'));
    const std::size_t end = rest_.find('>');
    if (end == rest_.npos) return complain("a tag without an end");
    const std::string_view tag = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (tag.starts_with('/')) {
      if (open_.empty() || open_.back() != tag.substr(1))
        return complain("an end of what was not begun: " + std::string(tag));
      open_.pop_back();
      return;
    }
    const bool is_empty = tag.ends_with('/');
    const std::string_view inside = tag.substr(0, tag.size() - is_empty);
    const std::size_t name_end = inside.find(' ');
    read_attributes(name_end == inside.npos ? "" : inside.substr(name_end));
    if (open_.empty()) ++roots_;
    if (!is_empty) open_.emplace_back(inside.substr(0, name_end));
  }

  void read_attributes(std::string_view text) {
    std::set<std::string_view> names;
    while (!text.empty() && complaint_.empty()) {
      const std::size_t equals = text.find("=\"");
      const std::size_t end = equals == text.npos ? equals : text.find('"', equals + 2);
      if (text.front() != ' ' || end == text.npos) return complain("an attribute without a value");
      if (!names.insert(text.substr(1, equals - 1)).second) return complain("an attribute twice");
      check_characters(text.substr(equals + 2, end - equals - 2));
      text.remove_prefix(end + 1);
    }
  }

  void read_text(std::size_t length) {
    check_characters(rest_.substr(0, length));
    rest_.remove_prefix(length == rest_.npos ? rest_.size() : length);
  }

  void check_characters(std::string_view text) {
    for (std::size_t i = 0; i != text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c == '<' || c >= 0x7F || (c < ' ' && c != '\n'))
        return complain("a character that may not be there");
      if (c != '&') continue;
      std::size_t end = i + 2;
      while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
      if (end == i + 2 || end >= text.size() || text[i + 1] != '#' || text[end] != ';')
        return complain("a bare ampersand");
    }
  }

  void complain(std::string what) { complaint_ = std::move(what); }

  std::string_view rest_;
  std::vector<std::string> open_;
  std::size_t roots_ = 0;
  std::string complaint_;
};

}  // namespace flux::test
