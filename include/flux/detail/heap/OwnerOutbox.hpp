#pragma once

#include <flux/detail/base/Config.hpp>
#include <flux/detail/base/System.hpp>

namespace flux::inline FLUX_ABI::detail {

class Outbox;

// Where statistics find the chains that a heap's owner is filling with objects of other heaps.
//
//   outbox_ == nullptr, or thread_id_ was its thread's when it was set
class OwnerOutbox {
 public:
  /// By the owner, with its own; nullptr when nobody owns the heap any more.
  void set(const Outbox* outbox) noexcept {
    outbox_ = outbox;
    thread_id_ = outbox == nullptr ? 0 : System::thread_id();
  }

  /// nullptr also when the owner ended without being told (ThreadEnd): what it had lay in memory that is gone. While
  /// no thread is at work.
  const Outbox* get() const noexcept {
    return outbox_ != nullptr && System::is_there(thread_id_) ? outbox_ : nullptr;
  }

  /// In the child of a fork: the only thread there was `forked`, by its number, before.
  void keep_that_of(long forked) noexcept {
    if (outbox_ != nullptr) set(thread_id_ == forked ? outbox_ : nullptr);
  }

 private:
  const Outbox* outbox_ = nullptr;
  long thread_id_ = 0;
};

}  // namespace flux::inline FLUX_ABI::detail
