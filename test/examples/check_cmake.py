#!/usr/bin/env python3
"""Rejects a document that shows CMake which does not configure.

Each block is made a project with a program of its own, `your_program`, and is configured and built. It may take flux from
where it is installed, from the folder flux beside it, or fetch it, which then brings the sources at hand. A block that must
not configure comes first: the check has to see that it does not.

    check_cmake.py SOURCE_DIR BUILD_DIR WORK_DIR COMPILER DOCUMENT...
"""

import pathlib
import shutil
import subprocess
import sys

import document

BEFORE = """cmake_minimum_required(VERSION 3.22)
project(shown LANGUAGES CXX)
add_executable(your_program main.cpp)
"""
MAIN = """#include <flux/Allocator.hpp>

#include <list>

int main() { return std::list<int, flux::Allocator<int>>{1}.front() - 1; }
"""


def run(*command):
    """What a command says that does not end with 0."""
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if done.returncode == 0 else "\n".join(done.stdout.splitlines()[-30:])


def complaint_about(block, source, work, compiler):
    project = work / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir(parents=True)
    (project / "flux").symlink_to(source)
    (project / "main.cpp").write_text(MAIN)
    (project / "CMakeLists.txt").write_text(BEFORE + block)
    build = project / "build"
    return run("cmake", "-S", project, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={work / 'prefix'}",
               f"-DFETCHCONTENT_SOURCE_DIR_FLUX={source}") or run("cmake", "--build", build) or run(build / "your_program")


def main(arguments):
    source, build, work = (pathlib.Path(path).resolve() for path in arguments[:3])
    shutil.rmtree(work, ignore_errors=True)
    what = run("cmake", "--install", build, "--prefix", work / "prefix")
    if what:
        print(what)
        return 1
    assert complaint_about("find_package(no_such_package REQUIRED)\n", source, work, arguments[3])
    failed = False
    for path in map(pathlib.Path, arguments[4:]):
        for line, language, block in document.blocks(path.read_text()):
            if language != "cmake":
                continue
            what = complaint_about(block, source, work, arguments[3])
            if what:
                print(f"{path}:{line}: the block does not configure, build and run:\n{what}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
