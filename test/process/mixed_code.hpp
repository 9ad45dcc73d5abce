#pragma once

/// Code as of a shared library, in one program with code that is not: both share the functions that they do not
/// inline, but find their threads' heaps in different ways.
void fill_in_library(long count);
void clear_in_library();
bool use_in_library(long count);
