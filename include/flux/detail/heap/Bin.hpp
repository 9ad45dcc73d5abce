#pragma once

namespace flux::detail {

// The free objects of one size class that a thread's fast path pops and pushes: a stack of their addresses.
//
//   [bottom, top) are objects, coldest first;  the stack's memory ends at `end`
//   all null: no objects, no room, so that both first uses fall into the slow path
//
// Addresses are kept in an array, not in links through the objects: a pop then never waits for a cold object, and
// moving objects between a bin and the slabs' bitmaps reads and writes the array alone.
struct Bin {
  void** top = nullptr;
  void** bottom = nullptr;
  void** end = nullptr;

  bool is_valid() const noexcept { return bottom <= top && top <= end; }
};

}  // namespace flux::detail
