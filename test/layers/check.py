#!/usr/bin/env python3
"""Rejects an #include in include/flux that points upwards.

The layers are folders: detail/base <- detail/memory <- detail/slab <- detail/heap <- detail/handle <- the
public headers. A header may include its own layer and those below it. Rejects as well a map of the layers in flux/README.md
that differs from the folders, a public header that flux/flux.hpp leaves out, and a header that has grown too long.

    check.py INCLUDE_DIR    where flux/ lies
    check.py --self-test    proves on made-up trees that the check can fail
"""

import pathlib
import re
import sys
import tempfile

LAYERS = ["flux/detail/base", "flux/detail/memory", "flux/detail/slab", "flux/detail/heap", "flux/detail/handle", "flux"]
MOST_LINES = 350
NOT_IN_ALL = {"flux.hpp", "BoostMemoryResource.hpp"}  # which alone needs Boost
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def layer_of(header):
    """The rank of the folder that `header` lies in, or None where no layer is named after it."""
    folder = str(pathlib.PurePosixPath(header).parent)
    return LAYERS.index(folder) if folder in LAYERS else None


def resolve(root, header, quote, target):
    """The included header relative to `root`, or None if it is not one of flux."""
    if quote == '"':
        beside = (root / header).parent / target
        if beside.is_file():
            return beside.resolve().relative_to(root.resolve()).as_posix()
    return target if target.startswith("flux/") else None


def check_include(root, header, quote, target):
    """A complaint about one include of `header`, or None."""
    included = resolve(root, header, quote, target)
    if included is None:
        return f"'{target}' is not beside it" if quote == '"' else None
    if not (root / included).is_file():
        return f"{included} does not exist"
    rank, included_rank = layer_of(header), layer_of(included)
    if included_rank is None:
        return f"{included} lies in no layer"
    if included_rank > rank:
        return f"{included} points upwards, from {LAYERS[rank]} to {LAYERS[included_rank]}"
    return None


def check_header(root, header):
    if layer_of(header) is None:
        return [f"{header}: lies in no layer ({', '.join(LAYERS)})"]
    lines = (root / header).read_text().splitlines()
    complaints = [f"{header}: {len(lines)} lines, {MOST_LINES} at most"] if len(lines) > MOST_LINES else []
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        complaint = match and check_include(root, header, match[1], match[2])
        if complaint:
            complaints.append(f"{header}:{number}: {complaint}")
    return complaints


def check_map(root, headers):
    """The map has a row for each layer: | `detail/base` | its files |; of the public headers: | public | their names |."""
    complaints = []
    rows = dict(re.findall(r"^\| (?:`)?([\w/]+)(?:`)? \| (`.*?) \|", (root / "flux/README.md").read_text(), re.MULTILINE))
    for layer in LAYERS:
        row = rows.get(layer.removeprefix("flux/") if layer != "flux" else "public", "")
        named = {name.removesuffix(".hpp") for name in re.findall(r"`([\w.]+)`", row)}
        there = {pathlib.PurePath(header).stem for header in headers if str(pathlib.PurePath(header).parent) == layer}
        complaints += [f"{layer}/{name}.hpp: is not in its row of the map of the layers" for name in sorted(there - named)]
        complaints += [f"{layer}/{name}.hpp: is in the map of the layers, and not there" for name in sorted(named - there)]
    return complaints


def check_all(root, headers):
    included = (root / "flux/flux.hpp").read_text()
    public = [header for header in headers if str(pathlib.PurePath(header).parent) == "flux"]
    return [f"{header}: flux/flux.hpp does not include it" for header in public
            if pathlib.PurePath(header).name not in NOT_IN_ALL and f"#include <{header}>" not in included]


def check_tree(root):
    """All complaints about the headers below `root`/flux, and the number of headers."""
    headers = sorted(path.relative_to(root).as_posix() for path in (root / "flux").rglob("*.hpp"))
    complaints = check_map(root, headers) + check_all(root, headers)
    return complaints + [complaint for header in headers for complaint in check_header(root, header)], len(headers)


def complaints_about(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return check_tree(root)[0]


def self_test():
    base, heap, door = "flux/detail/base/B.hpp", "flux/detail/heap/H.hpp", "flux/Door.hpp"
    layer_map, everything = "flux/README.md", "flux/flux.hpp"
    rows = "| public | `Door.hpp`, `flux.hpp` | x |\n| `detail/heap` | `H` | x |\n| `detail/base` | `B` | x |\n"
    good = {layer_map: rows, base: "#include <cstddef>\n", heap: f"#include <{base}>\n", door: '#include "detail/heap/H.hpp"\n',
            everything: f"#include <{door}>\n"}
    bad = {
        "a layer above": {**good, base: f"#pragma once\n#include <{heap}>\n"},
        "a public header": {**good, heap: f"#include <{door}>\n"},
        "a quoted path": {**good, base: '#include "../heap/H.hpp"\n'},
        "spaces around the hash": {**good, base: f"  #  include  <{heap}>\n"},
        "a header that is not there": {**good, heap: "#include <flux/detail/base/Gone.hpp>\n"},
        "a header that is in no map": {**good, layer_map: rows.replace("`H` ", "")},
        "a map of what is gone": {**good, layer_map: rows.replace("`H`", "`H` `Gone`")},
        "a header that is not with all": {**good, everything: "\n"},
        "a long header": {**good, heap: "\n" * (MOST_LINES + 1)},
        "a folder that is no layer": {**good, "flux/detail/misc/M.hpp": "\n"},
    }
    failures = [f"good tree refused: {text}" for text in complaints_about(good)]
    failures += [f"not found: {name}" for name, files in bad.items() if len(complaints_about(files)) != 1]
    print("\n".join(failures) or f"{len(bad)} bad trees found, the good one accepted")
    return 1 if failures else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    complaints, count = check_tree(pathlib.Path(arguments[0]))
    if count == 0:
        complaints.append(f"no headers below {arguments[0]}/flux")
    print("\n".join(complaints) or f"{count} headers, no include points upwards")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
