#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "LobsterLine.hpp"
#include "Message.hpp"

namespace orderbook {

/// Why a file was refused.
struct InputError {
  std::string file;
  std::size_t line;  ///< 1-based; 0 when the file as a whole is at fault
  std::string reason;

  /// "FILE:LINE: REASON", or "FILE: REASON".
  std::string message() const {
    return (line == 0 ? file : file + ':' + std::to_string(line)) + ": " + reason;
  }
};

/// The messages of a LOBSTER message file, or the first thing that is wrong with it.
/// No header; lines end in LF or CRLF, and the last may lack its end. LobsterLine says what a line is.
class LobsterFile {
 public:
  /// Reads a file. Throws std::bad_alloc only.
  static LobsterFile read(const std::string& path) {
    std::string text;
    if (const int code = read_bytes(path, text); code != 0)
      return LobsterFile({path, 0, std::generic_category().message(code)});
    return parse(path, text);
  }

  /// Reads the text of a file; `name` is for the error.
  static LobsterFile parse(const std::string& name, std::string_view text) {
    if (text.empty()) return LobsterFile({name, 0, "is empty"});
    std::vector<Message> messages;
    messages.reserve(text.size() / kUsualLineLength);
    while (!text.empty()) {
      LobsterLine line(take_line(text));
      if (!line.read(messages.emplace_back())) return LobsterFile({name, messages.size(), line.reason()});
    }
    return LobsterFile(std::move(messages));
  }

  /// Empty when there is an error.
  const std::vector<Message>& messages() const noexcept { return messages_; }
  const std::optional<InputError>& error() const noexcept { return error_; }

 private:
  static constexpr std::size_t kUsualLineLength = 40;

  explicit LobsterFile(std::vector<Message> messages) noexcept : messages_(std::move(messages)) {}
  explicit LobsterFile(InputError error) : error_(std::move(error)) {}

  /// Removes the first line from `text`, which is not empty, and returns it without its end.
  static std::string_view take_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  /// Appends the file's bytes to `text`. Returns 0, or the errno.
  static int read_bytes(const std::string& path, std::string& text) {
    struct Closer {
      void operator()(std::FILE* file) const noexcept { std::fclose(file); }
    };
    errno = 0;
    const std::unique_ptr<std::FILE, Closer> file(std::fopen(path.c_str(), "rb"));
    if (!file) return errno != 0 ? errno : EIO;
    std::array<char, 65536> buffer;
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get()))
      text.append(buffer.data(), count);
    if (std::ferror(file.get()) == 0) return 0;
    return errno != 0 ? errno : EIO;
  }

  std::vector<Message> messages_;
  std::optional<InputError> error_;
};

}  // namespace orderbook
