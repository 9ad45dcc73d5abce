#pragma once

inline constexpr unsigned kClass = 7;

/// How a unit allocates and frees objects of the class: units compiled in different ways find their threads' bins in
/// different ways.
struct Code {
  bool is_shared;  ///< FLUX_SHARED_CODE
  void* (*allocate)();
  void (*deallocate)(void* object);
};

/// Of a unit as of a shared library.
extern const Code library_code;
