#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

namespace orderbook {

/// The end of a pipe that a child writes its results to.
class ResultPipe {
 public:
  explicit ResultPipe(int descriptor) noexcept : descriptor_(descriptor) {}

  /// Writes `size` bytes. Throws std::system_error.
  void write(const void* data, std::size_t size) const {
    for (const char* at = static_cast<const char*>(data); size != 0;) {
      const ssize_t count = ::write(descriptor_, at, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw std::system_error(errno, std::generic_category(), "writing a result");
      at += count;
      size -= static_cast<std::size_t>(count);
    }
  }

  template <class T>
  void write(const T& value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    write(&value, sizeof value);
  }

 private:
  int descriptor_;
};

/// A copy of this process that does one thing, in memory of its own, and answers over a pipe. What it
/// allocates, touches and breaks is gone when it ends. To be made while this process has one thread.
class ChildProcess {
 public:
  /// Forks. The child calls `body(const ResultPipe&)` and exits with the int it returns; with 1, and a line
  /// on stderr, when it throws. Throws std::system_error.
  template <class Body>
  explicit ChildProcess(Body body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    std::fflush(nullptr);  // or the child would write what is buffered once more
    id_ = ::fork();
    if (id_ < 0) {
      const int code = errno;
      ::close(ends[0]);
      ::close(ends[1]);
      throw std::system_error(code, std::generic_category(), "fork");
    }
    if (id_ == 0) {
      ::close(ends[0]);
      ::_exit(run(body, ResultPipe(ends[1])));
    }
    ::close(ends[1]);
    descriptor_ = ends[0];
  }

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess() { wait(); }

  /// Reads `size` bytes of the answer. False when the child wrote less.
  bool read(void* data, std::size_t size) noexcept {
    for (char* at = static_cast<char*>(data); size != 0;) {
      const ssize_t count = ::read(descriptor_, at, size);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      at += count;
      size -= static_cast<std::size_t>(count);
    }
    return true;
  }

  template <class T>
  bool read(T& value) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    return read(&value, sizeof value);
  }

  /// Reads no more, waits for the end, and returns what the shell would: the exit code, or 128 + the signal.
  int wait() noexcept {
    if (descriptor_ < 0) return result_;
    ::close(std::exchange(descriptor_, -1));
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0)
      if (errno != EINTR) return result_;
    result_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result_;
  }

 private:
  template <class Body>
  static int run(Body& body, const ResultPipe& pipe) noexcept {
    int code = 1;
    try {
      code = body(pipe);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "flux_orderbook: %s\n", error.what());
    }
    std::fflush(nullptr);
    return code;
  }

  pid_t id_ = -1;
  int descriptor_ = -1;
  int result_ = 1;
};

}  // namespace orderbook
