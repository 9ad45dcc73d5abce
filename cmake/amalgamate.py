#!/usr/bin/env python3
"""Makes one self-contained header of all that flux/flux.hpp includes.

    amalgamate.py OUT    writes OUT, the same bytes whenever the headers are the same

Each header comes once, after those that it includes at its top; what they include of the system, without a condition, comes
before all of them.
flux/BoostMemoryResource.hpp is not among them: it alone needs Boost, and a header that takes in what it happens to find
would make other programs of the same sources on other machines.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIRST = "flux/flux.hpp"
INCLUDE = re.compile(r"\s*#\s*include\s*<([^>]+)>")
OPENS, CLOSES = re.compile(r"\s*#\s*if"), re.compile(r"\s*#\s*endif")
PRAGMA_ONCE = re.compile(r"\s*#\s*pragma\s+once\s*$")
VERSION = re.compile(r"#define FLUX_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)")


def has_code(lines):
    return any(line and not line.startswith("//") for line in lines)


class Amalgamation:
    """The headers below `include` that were taken in so far."""

    def __init__(self, include):
        self.include = include
        self.seen = set()
        self.system = set()
        self.bodies = []

    def add(self, header):
        if header in self.seen:
            return
        self.seen.add(header)
        body, depth = [], 0
        for line in (self.include / header).read_text().splitlines():
            depth += bool(OPENS.match(line)) - bool(CLOSES.match(line))
            included = INCLUDE.match(line)
            if included and included[1].startswith("flux/"):
                if depth:
                    raise ValueError(f"{header} includes {included[1]} on a condition")
                if has_code(body):  # not at its top: what stands above comes first
                    self.keep(header, body)
                    body = []
                self.add(included[1])
            elif included and depth == 0:
                self.system.add(included[1])
            elif not PRAGMA_ONCE.match(line):
                body.append(line)
        self.keep(header, body)

    def keep(self, header, body):
        if has_code(body):
            text = re.sub(r"\n{3,}", "\n\n", "\n".join(body).strip("\n"))
            self.bodies.append(f"// {header}\n\n{text}\n")


def comment(text):
    return "".join(f"// {line}".rstrip() + "\n" for line in text.splitlines())


def amalgamate(root):
    """The text of the one header, of the sources in `root`."""
    amalgamation = Amalgamation(root / "include")
    amalgamation.add(FIRST)
    version = ".".join(VERSION.findall((root / "include/flux/Version.hpp").read_text()))
    head = (
        f"flux {version}: slab allocators for C++20, all of {FIRST} in one file.\n"
        "Made by cmake/amalgamate.py from include/flux, where it is to be changed.\n"
        "SPDX-License-Identifier: MIT\n\n"
    )
    includes = "".join(f"#include <{name}>\n" for name in sorted(amalgamation.system))
    parts = [comment(head + (root / "LICENSE").read_text()) + "#pragma once\n", includes, *amalgamation.bodies]
    return "\n".join(parts)


def main(arguments):
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    out = pathlib.Path(arguments[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(amalgamate(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
