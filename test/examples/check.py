#!/usr/bin/env python3
"""Rejects a document that shows C++ which no example program contains.

A block of C++ is cut at its empty lines; each piece must stand, line by line, in one and the same program.
Indentation does not count. A block of another language must be of one that another check looks at.

    check.py EXAMPLES_DIR DOCUMENT...
    check.py --self-test    proves on made-up texts that the check can fail
"""

import pathlib
import re
import sys

import document

# sh: check_commands.py. cmake: check_cmake.py. text: what a program says, and drawings.
LANGUAGES = ("cpp", "sh", "cmake", "text")


def lines_of(text):
    return [line.strip() for line in text.strip().splitlines()]


def pieces_of(block):
    return [lines_of(piece) for piece in re.split(r"\n\s*\n", block) if piece.strip()]


def has(program, piece):
    return any(program[i:i + len(piece)] == piece for i in range(len(program) - len(piece) + 1))


def complaints_about(text, programs):
    """What is wrong with the blocks of a document: (line, what)."""
    complaints = [(line, "a block that is only indented: no check looks at it") for line in document.indented_blocks(text)]
    for line, language, block in document.blocks(text):
        if language not in LANGUAGES:
            complaints.append((line, f"a block of the language '{language}': no check looks at it"))
        if language != "cpp":
            continue
        pieces = pieces_of(block)
        if not any(all(has(program, piece) for piece in pieces) for program in programs):
            complaints.append((line, f"no example has the code that begins with '{pieces[0][0]}'"))
    return complaints


def self_test():
    programs = [lines_of("int a;\nint b;\n\nint main() {\n  a = 1;\n  b = 2;\n}")]
    shown = "text\n```cpp\n{}\n```\n"
    assert not complaints_about(shown.format("int a;\nint b;"), programs)
    assert not complaints_about(shown.format("int b;\n\na = 1;\nb = 2;"), programs)
    assert complaints_about(shown.format("b = 2;\na = 1;"), programs)[0][0] == 2
    assert complaints_about(shown.format("int a;\n\nc = 3;"), programs)
    assert not complaints_about("```sh\nanything\n```\n", programs)
    assert complaints_about("```\nint c;\n```\n", programs)
    assert complaints_about("```c\nint c;\n```\n", programs)
    assert complaints_about("text\n\n    int c;\n", programs)
    assert not complaints_about("- text\n\n    its second paragraph\n", programs)


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    programs = [lines_of(path.read_text()) for path in sorted(pathlib.Path(arguments[0]).glob("*.cpp"))]
    return document.report(arguments[1:], lambda path: complaints_about(path.read_text(), programs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
