#!/usr/bin/env python3
"""Makes the Debian package, looks into it, and installs it and removes it again below a folder of its own.

    check_debian.py SOURCE_DIR COMPILER
"""

import os
import pathlib
import re
import sys
import tempfile

import sources

NAME = "libflux-dev"
COPYRIGHT = f"usr/share/doc/{NAME}/copyright"
ENTRY = re.compile(r"(\S+) (\S+) +\d+ \S+ \S+ \./(.*)")


def make_package(root, compiler, folder):
    """As README says, and with a umask that lets nobody else read what it makes."""
    build = folder / "build"
    os.umask(0o077)
    sources.run("cmake", "-S", root, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}",
                "-DFLUX_BUILD_TESTS=OFF", "-DFLUX_BUILD_BENCHMARKS=OFF")
    sources.run("cpack", "-G", "DEB", cwd=build)
    made = [path.name for path in build.glob("*.deb")]
    sources.expect("made", made, [f"{NAME}_{sources.version(root)}_all.deb"])
    return build / made[0]


def field(package, name):
    return sources.run("dpkg-deb", "--field", package, name).strip()


def check_fields(root, package):
    wanted = {"Package": NAME, "Version": sources.version(root), "Architecture": "all", "Section": "libdevel",
              "Priority": "optional", "Depends": "", "Suggests": "libboost-container-dev"}
    for name, value in wanted.items():
        sources.expect(name, field(package, name), value)
    maintainer = re.fullmatch(r".+ <\S+@\S+>", field(package, "Maintainer"))
    sources.expect("Maintainer is NAME <ADDRESS>", maintainer is not None, True)
    summary, *more = field(package, "Description").splitlines()
    sources.expect("Description begins with a summary", summary.startswith(sources.description(root)), True)
    sources.expect("Description has a short summary, and more", len(summary) < 80 and len(more) > 0, True)


def wanted_files(root):
    found = {f"usr/include/{header}" for header in sources.headers(root)}
    found |= {f"usr/share/cmake/flux/{name}" for name in sources.CMAKE_FILES}
    return found | {"usr/share/pkgconfig/flux.pc", "usr/share/gdb/flux-gdb.py", COPYRIGHT}


def check_contents(root, package):
    entries = [ENTRY.fullmatch(line).groups() for line in sources.run("dpkg-deb", "--contents", package).splitlines()]
    kinds = {(mode, owner) for mode, owner, _ in entries}
    sources.expect("modes and owners", kinds, {("-rw-r--r--", "root/root"), ("drwxr-xr-x", "root/root")})
    sources.expect("files", {path for mode, _, path in entries if mode[0] == "-"}, wanted_files(root))


def dpkg(system, *arguments):
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    sources.run("dpkg", f"--root={system}", f"--log={system}/var/lib/dpkg/log", "--force-not-root", *arguments,
                env=environment)


def check_installation(root, package, system):
    (system / "var/lib/dpkg/info").mkdir(parents=True)
    (system / "var/lib/dpkg/updates").mkdir()
    (system / "var/lib/dpkg/status").touch()
    dpkg(system, "--install", package)
    installed = sources.files_below(system / "usr")
    # A machine may be set up to leave documents out.
    wanted = {path.removeprefix("usr/") for path in wanted_files(root) if path != COPYRIGHT or (system / path).exists()}
    sources.expect("installed", installed, wanted)
    dpkg(system, "--remove", NAME)
    sources.expect("left in the system", {path.name for path in system.iterdir()}, {"var"})
    sources.expect("left in var", {path.name for path in (system / "var").rglob("*") if NAME in path.name}, set())


def main(arguments):
    root = sources.root_from(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        package = make_package(root, arguments[1], folder)
        check_fields(root, package)
        check_contents(root, package)
        check_installation(root, package, folder / "system")
    print(f"{package.name}: {len(wanted_files(root))} files")


if __name__ == "__main__":
    main(sys.argv[1:])
