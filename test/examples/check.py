#!/usr/bin/env python3
"""Rejects a document that shows C++ which no example program contains.

A block of code is cut at its empty lines; each piece must stand, line by line, in one and the same program.
Indentation does not count.

    check.py EXAMPLES_DIR DOCUMENT...
    check.py --self-test    proves on made-up texts that the check can fail
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def lines_of(text):
    return [line.strip() for line in text.strip().splitlines()]


def pieces_of(block):
    return [lines_of(piece) for piece in re.split(r"\n\s*\n", block) if piece.strip()]


def has(program, piece):
    return any(program[i:i + len(piece)] == piece for i in range(len(program) - len(piece) + 1))


def complaints_about(document, programs):
    """A complaint for each block of the document that no program has: (line of the block, its first line)."""
    complaints = []
    for match in BLOCK.finditer(document):
        pieces = pieces_of(match[1])
        if not any(all(has(program, piece) for piece in pieces) for program in programs):
            complaints.append((document[:match.start()].count("\n") + 1, pieces[0][0]))
    return complaints


def self_test():
    programs = [lines_of("int a;\nint b;\n\nint main() {\n  a = 1;\n  b = 2;\n}")]
    shown = "text\n```cpp\n{}\n```\n"
    assert not complaints_about(shown.format("int a;\nint b;"), programs)
    assert not complaints_about(shown.format("int b;\n\na = 1;\nb = 2;"), programs)
    assert complaints_about(shown.format("b = 2;\na = 1;"), programs) == [(2, "b = 2;")]
    assert complaints_about(shown.format("int a;\n\nc = 3;"), programs)
    assert not complaints_about("```sh\nanything\n```\n", programs)


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    programs = [lines_of(path.read_text()) for path in sorted(pathlib.Path(arguments[0]).glob("*.cpp"))]
    failed = False
    for document in arguments[1:]:
        for line, start in complaints_about(pathlib.Path(document).read_text(), programs):
            print(f"{document}:{line}: no example has the code that begins with '{start}'")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
