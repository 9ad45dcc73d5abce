// Names that system headers define, and that flux must not bring into a program: those of ELF files, for one.
#include <flux/flux.hpp>

enum Segment { PT_NULL, PT_LOAD, EM_X86_64, DT_NEEDED };

int main() { return PT_NULL; }
