#!/usr/bin/env python3
"""Compares the port for vcpkg with the sources, and runs it with stand-ins for vcpkg's functions.

    check_vcpkg.py SOURCE_DIR COMPILER
"""

import json
import pathlib
import sys
import tempfile

import sources


def check_manifest(root, manifest):
    """The fields that vcpkg asks of a library: a name, a version and a description; and what else it says."""
    wanted = {"name": "flux", "version": sources.version(root), "description": sources.description(root),
              "license": sources.licence(root)}
    for name, value in wanted.items():
        sources.expect(name, manifest.get(name), value)
    helpers = {dependency["name"] for dependency in manifest["dependencies"] if dependency["host"]}
    sources.expect("helper ports", helpers, {"vcpkg-cmake", "vcpkg-cmake-config"})


def check_port(root, compiler, folder):
    packages = folder / "packages"
    sources.run("cmake", f"-DCURRENT_PORT_DIR={root / 'cmake/vcpkg'}", f"-DCURRENT_PACKAGES_DIR={packages}",
                f"-DCURRENT_BUILDTREES_DIR={folder / 'build'}", "-DPORT=flux", f"-DCXX_COMPILER={compiler}",
                "-P", pathlib.Path(__file__).parent / "run_port.cmake")
    wanted = {f"include/{header}" for header in sources.headers(root)}
    wanted |= {f"share/flux/{name}" for name in sources.CMAKE_FILES | {"copyright"}} | {"share/pkgconfig/flux.pc", "share/gdb/flux-gdb.py"}
    sources.expect("installed", sources.files_below(packages), wanted)


def main(arguments):
    root = sources.root_from(arguments)
    manifest = json.loads((root / "cmake/vcpkg/vcpkg.json").read_text())
    check_manifest(root, manifest)
    with tempfile.TemporaryDirectory() as folder:
        check_port(root, arguments[1], pathlib.Path(folder))
    print(f"{manifest['name']} {manifest['version']}")


if __name__ == "__main__":
    main(sys.argv[1:])
