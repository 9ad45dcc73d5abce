#!/usr/bin/env python3
"""Runs a program under gdb with flux's extension and compares what both say of its memory.

    check.py EXTENSION PROGRAM SOURCE FOLDER [steps]

FOLDER is for a core of the program. `steps` are tried as well where nothing is optimised. Exit code 77: there is no gdb, it may
not run programs here, or the kernel runs none of that width.
"""

import errno
import itertools
import pathlib
import re
import resource
import shutil
import subprocess
import sys

SKIPPED = 77
MOST_BYTES = 2 << 30


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def is_run_here(program):
    """Whether the kernel runs programs of this width: that of some virtual machines runs none of 32 bits."""
    with open(program, "rb") as file:
        is_narrow = file.read(5) == b"\x7fELF\x01"
    try:
        subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=300)
    except OSError as error:
        if is_narrow and error.errno == errno.ENOEXEC:
            return False
        raise
    return True


def limit_files():
    """For cores, should addresses that are only reserved get into one."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


def gdb(extension, *arguments):
    """What a run of gdb in batch mode prints, without the user's own settings."""
    settings = execute("set confirm off", "set width 0", "set environment MALLOC_ARENA_MAX 1", f"source {extension}")
    run = subprocess.run(["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-iex",
                          "set print thread-events off", *settings, *arguments],
                         capture_output=True, text=True, errors="replace", timeout=300, stdin=subprocess.DEVNULL,
                         preexec_fn=limit_files)
    return run.stdout + run.stderr


def execute(*commands):
    return [word for command in commands for word in ("-ex", command)]


def words_of(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def require(holds, what, output):
    if not holds:
        print(output)
        print(f"failed: {what}")
        sys.exit(1)


def own_lines(output):
    """The program's own words, a table and a line for each tag, and what comes after them."""
    lines = words_of(output)
    begin = next((i for i, line in enumerate(lines) if line.startswith("tag object size")), None)
    require(begin is not None, "the program says what it has", output)
    own = list(itertools.takewhile(re.compile(r"tag object|.*( \d+){5}$|.*: heaps ").match, lines[begin:]))
    return own, lines[begin + len(own):]


def check_statistics(own, said, output):
    require(len(own) > 5, "the program has some classes and tags", output)
    for line in own:
        require(line in said, f"gdb says '{line}'", output)
    heaps = [line for line in said if line.startswith("heap 0x")]
    require(sum("parked, its thread has ended" in line for line in heaps) == 1, "one heap is parked", output)
    threads = {thread for line in heaps for thread in re.findall(r"of thread (\d+) \(LWP", line)}
    require(len(threads) == 2, "two threads have heaps", output)


def check_values(said, output):
    text = "\n".join(said)
    for pattern in (r"= flux allocator, tag Orders",
                    r"= flux heap at 0x[0-9a-f]+: 65536 bytes used, 1 slab, \d+ bytes retained.*of \d+ bytes = \"?1000 live of \d+ in 1 slab",
                    r"= flux handle of nothing",
                    r"= flux handle of block \d+, slot 0, generation 1, alive in 1 of 2 copies",
                    r"= flux handle of block \d+, slot 1, generation 1, gone",
                    r"= flux handle of block \d+, slot 2, generation 1, alive in 1 of 2 copies"):
        require(re.search(pattern, text, re.DOTALL), f"gdb prints {pattern}", output)


VALUES = execute("up", "print allocator", "print heap", "print none", "print alive", "print gone", "print elsewhere")


def check_steps(extension, program, source):
    lines = pathlib.Path(source).read_text().splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "the line to step over" in text)
    name = pathlib.Path(source).name
    for command in ("next", "step"):
        output = gdb(extension, *execute(f"break {name}:{line}", "run", command, "info line"), program)
        require(re.search(rf'Line {line + 1} of ".*{name}"', output), f"'{command}' goes to the next line", output)


def main(arguments):
    extension, program, source, folder, *steps = arguments
    if not shutil.which("gdb"):
        skip("no gdb (Debian package gdb)")
    if not is_run_here(program):
        skip(f"the kernel does not run {program}")
    core = pathlib.Path(folder) / (pathlib.Path(program).name + ".core")
    try:
        live = gdb(extension, *execute("break stop_here", "run", "info flux"), *VALUES,
                   *execute(f"generate-core-file {core}", "delete", "continue"), program)
        later = gdb(extension, *execute("info flux"), *VALUES, program, str(core))
    finally:
        core.unlink(missing_ok=True)
    if "Couldn't get" in live or "ptrace:" in live:
        skip("gdb may not run programs here")
    own, rest = own_lines(live)
    check_statistics(own, rest, live)
    check_values(rest, live)
    require("exited normally" in live, "the program goes on as before", live)
    check_statistics(own, words_of(later), later)
    check_values(words_of(later), later)
    if steps:
        check_steps(extension, program, source)


if __name__ == "__main__":
    main(sys.argv[1:])
