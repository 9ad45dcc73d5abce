#!/usr/bin/env python3
"""Counts the instructions of a function's fast path in an x86-64 program.

The fast path is the way from the entry to `ret` that calls nothing and jumps to no other function; a branch
that leads to such a call or jump is the slow path, whichever way round the compiler laid the blocks out.
`ret` itself, padding and branch-target marks are not counted.

    count.py PROGRAM FUNCTION MOST...    fails if there are other than so many such ways, or one, the shortest first, is longer than its MOST or
                                         holds a lock
    count.py --self-test

Exit code 77: nothing to disassemble with.
"""

import re
import shutil
import subprocess
import sys
from typing import NamedTuple

SYMBOL = re.compile(r"^[0-9a-f]+ <(.+)>:$")
LINE = re.compile(r"^\s*([0-9a-f]+):\s+(.+?)\s*$")
TARGET = re.compile(r"([0-9a-f]+) <")
PREFIXES = {"bnd", "notrack", "rep", "repz", "repe", "lock", "cs", "ds", "data16"}
UNCOUNTED = ("ret", "nop", "endbr")


class Instruction(NamedTuple):
    address: int
    text: str
    mnemonic: str
    target: int

    def is_lock(self):
        return self.text.startswith("lock ") or (self.mnemonic.startswith("xchg") and "(" in self.text)


def parse_instruction(line):
    match = LINE.match(line)
    if not match:
        return None
    words = match[2].split()
    while len(words) > 1 and words[0] in PREFIXES:
        words = words[1:]
    target = TARGET.search(match[2]) if words[0].startswith(("j", "call")) else None
    return Instruction(int(match[1], 16), match[2], words[0], int(target[1], 16) if target else -1)


def read_function(listing, name):
    """The instructions of `name`, in order of their addresses."""
    body, is_inside = [], False
    for line in listing.splitlines():
        symbol = SYMBOL.match(line)
        if symbol:
            is_inside = symbol[1] == name
        elif is_inside and parse_instruction(line):
            body.append(parse_instruction(line))
    return body


def successors(body, index):
    """The indices that may follow `index`; None stands for leaving the function other than by `ret`."""
    here = body[index]
    following = index + 1 if index + 1 < len(body) else None
    if here.mnemonic.startswith("call"):
        return [None]
    if not here.mnemonic.startswith("j"):
        return [following]
    positions = {instruction.address: position for position, instruction in enumerate(body)}
    taken = positions.get(here.target)
    return [taken] if here.mnemonic.startswith("jmp") else [taken, following]


def fast_paths(body, index=0, path=()):
    """Every way from `index` to `ret` without a call, a jump out or a loop."""
    if index is None or index in path:
        return
    path += (index,)
    if body[index].mnemonic.startswith("ret"):
        yield [body[position] for position in path]
        return
    for following in successors(body, index):
        yield from fast_paths(body, following, path)


def counted_paths(body):
    """The fast paths without what does not count, the shortest first."""
    paths = [[step for step in path if not step.mnemonic.startswith(UNCOUNTED)] for path in fast_paths(body)]
    return sorted(paths, key=len)


def judge(listing, function, *most):
    """The verdict as a text, and whether it is a good one."""
    body = read_function(listing, function)
    if not body:
        return f"{function}: not found in the disassembly", False
    paths = counted_paths(body)
    if not paths:
        return f"{function}: every way to its end calls another function or loops", False
    verdict = f"{function}: {len(paths)} ways of {[len(path) for path in paths]} instructions, at most {list(most)} allowed"
    for path in paths:
        verdict += "\n" + "\n".join(f"    {step.text}" for step in path) + "\n"
        if any(step.is_lock() for step in path):
            return verdict + "    a lock on the fast path", False
    return verdict, len(paths) == len(most) and all(len(path) <= limit for path, limit in zip(paths, most))


def disassemble(program):
    if not shutil.which("objdump"):
        print("skipped: no objdump (Debian package binutils)")
        sys.exit(77)
    command = ["objdump", "--disassemble", "--no-show-raw-insn", "--demangle", program]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


FALL_THROUGH = """
0000000000001000 <f>:
    1000:  mov    %fs:0xfffffffffffffff8,%rax
    1009:  test   %rax,%rax
    100c:  je     1020 <f+0x20>
    100e:  mov    (%rax),%rdx
    1011:  ret
    1012:  nopw   0x0(%rax,%rax,1)
    1020:  jmp    2000 <flux::allocate_slow()>
"""
TAKEN = """
0000000000001000 <f>:
    1000:  test   %rdi,%rdi
    1003:  jne    1010 <f+0x10>
    1005:  call   2000 <flux::free_slow(void*)>
    100a:  ret
    1010:  lock incl (%rdi)
    1014:  jmp    1020 <f+0x20>
    1020:  repz ret
"""
ALWAYS_CALLS = """
0000000000001000 <f>:
    1000:  sub    $0x8,%rsp
    1004:  call   2000 <operator new(unsigned long)@plt>
    1009:  ret
"""
COLD_PART = """
0000000000001000 <f>:
    1000:  dec    %rdi
    1003:  js     3000 <f.cold>
    1009:  ret
"""
TWO_WAYS = """
0000000000001000 <f>:
    1000:  dec    %rdi
    1003:  js     1010 <f+0x10>
    1009:  ret
    1010:  inc    %rdi
    1013:  ret
"""


def self_test():
    cases = [
        ("the other block falls through to the slow path", FALL_THROUGH, 4, True),
        ("one instruction too many", FALL_THROUGH, 3, False),
        ("a lock", TAKEN, 9, False),
        ("the branch taken, without the lock", TAKEN.replace("lock ", ""), 4, True),
        ("a call on every way", ALWAYS_CALLS, 9, False),
        ("a cold part", COLD_PART, 2, True),
        ("no such function", "", 9, False),
        ("a second way that was not foreseen", TWO_WAYS, 2, False),
    ]
    wrong = [name for name, listing, most, good in cases if judge(listing, "f", most)[1] != good]
    for most, good in [((2, 3), True), ((1, 3), False), ((2, 2), False)]:
        if judge(TWO_WAYS, "f", *most)[1] != good:
            wrong.append(f"two ways of at most {most}")
    print("\n".join(f"judged wrongly: {name}" for name in wrong) or f"{len(cases)} listings judged rightly")
    return 1 if wrong else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    verdict, is_good = judge(disassemble(arguments[0]), arguments[1], *map(int, arguments[2:]))
    print(verdict)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
