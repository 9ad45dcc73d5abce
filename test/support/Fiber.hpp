// A function with a stack of its own that one thread suspends and another resumes.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "support/Sanitizers.hpp"

#if FLUX_TEST_TSAN
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
}
#endif

namespace flux::test {

/// Not to be resumed by two threads at once. Its body must have ended when it is destroyed.
class Fiber {
 public:
  explicit Fiber(std::function<void(Fiber&)> body) : body_(std::move(body)) {
    ::getcontext(&own_);
    own_.uc_stack.ss_sp = stack_.get();
    own_.uc_stack.ss_size = kStackBytes;
    own_.uc_link = nullptr;
    const auto self = reinterpret_cast<std::uintptr_t>(this);  // makecontext passes ints
    ::makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::run), 2, static_cast<unsigned>(self >> 32),
                  static_cast<unsigned>(self));
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() {
#if FLUX_TEST_TSAN
    __tsan_destroy_fiber(own_track_);
#endif
  }

  /// Goes on with the body, on the calling thread, until it suspends or ends.
  [[gnu::noinline]] void resume() {
#if FLUX_TEST_TSAN
    callers_track_ = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(own_track_, 0);
#endif
    ::swapcontext(&caller_, &own_);
  }

  /// The body's: back to whoever resumed it.
  [[gnu::noinline]] void suspend() {
#if FLUX_TEST_TSAN
    __tsan_switch_to_fiber(callers_track_, 0);
#endif
    ::swapcontext(&own_, &caller_);
  }

  bool has_ended() const { return has_ended_; }

 private:
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;

  static void run(unsigned high, unsigned low) {
    auto* const fiber = reinterpret_cast<Fiber*>(std::uintptr_t{high} << 32 | low);
    fiber->body_(*fiber);
    fiber->has_ended_ = true;
    fiber->suspend();
  }

  std::function<void(Fiber&)> body_;
  std::unique_ptr<std::byte[]> stack_{new std::byte[kStackBytes]};
  ucontext_t own_{};
  ucontext_t caller_{};
  bool has_ended_ = false;
#if FLUX_TEST_TSAN
  void* own_track_ = __tsan_create_fiber(0);
  void* callers_track_ = nullptr;
#endif
};

}  // namespace flux::test
