// What the programs of this folder and the library that they load know of each other.
#pragma once

extern "C" {

/// Defined by a program, or not: called once the library's static initialisers run.
[[gnu::weak]] void flux_test_while_loading();

/// The library's: uses flux; 100.
int flux_test_use();
}
