"""What packages are compared with: the sources of flux, in a folder `root`."""

import pathlib
import re
import subprocess
import sys


def version(root):
    parts = re.findall(r"#define FLUX_VERSION_\w+ (\d+)", (root / "include/flux/Version.hpp").read_text())
    assert len(parts) == 3, parts
    return ".".join(parts)


def description(root):
    return re.search(r'DESCRIPTION "(.+?)"', (root / "CMakeLists.txt").read_text())[1]


def licence(root):
    """Its SPDX name."""
    first_line = (root / "LICENSE").read_text().splitlines()[0]
    return {"MIT License": "MIT"}[first_line]


def headers(root):
    """As a program names them."""
    include = root / "include"
    found = {path.relative_to(include).as_posix() for path in include.rglob("*.hpp")}
    assert len(found) > 20, found
    return found


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def run(*command, **options):
    """The output of a command, which has to end with 0."""
    command = [str(part) for part in command]
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def expect(what, found, wanted):
    """Ends the program when the two differ."""
    if isinstance(found, set) and found != wanted:
        sys.exit(f"{what}: missing {sorted(wanted - found)}, not wanted {sorted(found - wanted)}")
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


CMAKE_FILES = {"flux-config.cmake", "flux-config-version.cmake", "flux-settings.cmake", "flux-targets.cmake"}


def root_from(arguments):
    return pathlib.Path(arguments[0]).resolve()
