// A library that does with its flux what the program asks.
#include "side.hpp"

extern "C" [[gnu::visibility("default")]] const Side* flux_test_side() { return &kThisSide; }
