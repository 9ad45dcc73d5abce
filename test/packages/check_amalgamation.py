#!/usr/bin/env python3
"""Looks into the header that cmake/amalgamate.py makes.

    check_amalgamation.py SOURCE_DIR
"""

import os
import pathlib
import re
import shutil
import sys
import tempfile

import sources

INCLUDE = re.compile(r"^ *# *include *[<\"](\S+)[>\"]", re.MULTILINE)


def make(root, folder, hash_seed):
    """The bytes that the script of `root` makes, run in `folder`."""
    out = folder / "made" / "flux.hpp"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    sources.run(sys.executable, root / "cmake/amalgamate.py", out, cwd=folder, env=environment)
    return out.read_bytes()


def copy_of(root, folder):
    """The same sources, elsewhere, and younger."""
    (folder / "cmake").mkdir(parents=True)
    shutil.copy(root / "cmake/amalgamate.py", folder / "cmake")
    shutil.copy(root / "LICENSE", folder)
    shutil.copytree(root / "include", folder / "include", copy_function=shutil.copyfile)
    return folder


def check_same_bytes(root):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        first = make(root, folder, "1")
        sources.expect("made again", make(root, folder, "2") == first, True)
        sources.expect("made of a copy", make(copy_of(root, folder / "copy"), folder, "3") == first, True)
    return first.decode()


def order_of(text):
    return re.findall(r"^// (flux/\S+\.hpp)$", text, re.MULTILINE)


def check_headers(root, text):
    order = order_of(text)
    wanted = sources.headers(root) - {"flux/flux.hpp", "flux/BoostMemoryResource.hpp"}
    sources.expect("headers", set(order), wanted)
    sources.expect("headers, each once", len(order), len(wanted))
    for header in order:
        top, _, end = (root / "include" / header).read_text().partition("\nnamespace flux")
        for part, is_before in ((top, True), (end, False)):
            for included in re.findall(r"#include <(flux/\S+)>", part):
                found = order.index(included) < order.index(header)
                sources.expect(f"{included} comes before {header}", found, is_before)


def check_head(root, text):
    head = text[: text.index("#pragma once")].splitlines()
    sources.expect("version in the first line", head[0].split(":")[0], f"// flux {sources.version(root)}")
    for line in (root / "LICENSE").read_text().splitlines():
        sources.expect(f"'{line}' in the head", f"// {line}".rstrip() in head, True)


def check_includes(text):
    includes = INCLUDE.findall(text)
    of_all = INCLUDE.findall(text[: text.index("\n// flux/")])  # those on a condition stay where they are
    sources.expect("includes of all systems, each once", len(of_all), len(set(of_all)))
    others = {name for name in includes if name.startswith(("flux/", "boost/"))}
    sources.expect("includes that are not of the system", others, set())


def main(arguments):
    root = sources.root_from(arguments)
    text = check_same_bytes(root)
    check_head(root, text)
    check_headers(root, text)
    check_includes(text)
    print(f"{len(order_of(text))} headers, {len(text.splitlines())} lines")


if __name__ == "__main__":
    main(sys.argv[1:])
