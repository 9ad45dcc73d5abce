// Linked into the programs of `./test/run --coverage`, with --wrap=_exit and --wrap=abort: a process that ends without
// running destructors, as children of a fork do and those that misuse memory, writes its counts first.
extern "C" {
void __gcov_dump();
[[noreturn]] void __real__exit(int status);
[[noreturn]] void __real_abort();

[[noreturn]] void __wrap__exit(int status) {
  __gcov_dump();
  __real__exit(status);
}

[[noreturn]] void __wrap_abort() {
  __gcov_dump();
  __real_abort();
}
}
