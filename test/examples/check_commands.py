#!/usr/bin/env python3
"""Rejects a document that shows a command which does not exist.

Looks at blocks of sh, and at commands of the project in backquotes. A script of the project has to be there and its
options in its --help; of CMake's, targets, presets and the variables of flux have to exist in a build tree; programs of
the build have to be targets; and what stands behind FLUX/, for a clone, has to be there. A block that begins with a compiler
is run.

    check_commands.py PROJECT_DIR BUILD_DIR DOCUMENT...
    check_commands.py --self-test    proves on made-up texts that the check can fail
"""

import functools
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import document

SCRIPTS = ("bench/run", "bench/compare.py", "test/run", "test/fuzz/run", "test/mutation/run", "test/model/litmus/run",
           "test/platforms/run", ".ci/run")
COMPILERS = ("g++", "clang++")
# Of the system: nothing of flux's to look for.
OUTSIDE = (*COMPILERS, "apt-get", "c++", "cat", "cd", "conan", "cpack", "echo", "export", "gdb", "git", "heaptrack", "make", "mkdir",
           "perf", "pkg-config", "pprof", "python3", "taskset", "time", "ulimit", "valgrind", "vcpkg")
# Not there, on purpose: what a reader has.
PLACEHOLDERS = ("your_program",)


def commands_of(block):
    """The simple commands of a piece of shell, each a list of words."""
    text = re.sub(r"\\\n", " ", block)
    commands = []
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = []
        is_file = False  # behind a < or >
        for word in [*lexer, ";"]:
            if not re.fullmatch(r"[();<>|&]+", word):
                words += [] if is_file else [word]
            elif words and not re.search(r"[<>]", word):
                commands.append(words)
                words = []
            is_file = re.fullmatch(r"[<>&]*[<>][<>&]*", word) is not None
    return commands


class Project:
    """What there is."""

    def __init__(self, root, build):
        self.root = pathlib.Path(root).resolve()
        self.build = pathlib.Path(build).resolve()

    def has_script(self, path):
        return (self.root / path).is_file()

    @functools.cache
    def help_of(self, path):
        done = subprocess.run([str(self.root / path), "--help"], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    @functools.cached_property
    def targets(self):
        folders = (self.build / "CMakeFiles/TargetDirectories.txt").read_text().split()
        return {pathlib.PurePath(folder).stem for folder in folders}

    @functools.cached_property
    def variables(self):
        return set(re.findall(r"^(\w+):", (self.build / "CMakeCache.txt").read_text(), re.MULTILINE))

    @functools.cached_property
    def presets(self):
        return {preset["name"] for preset in json.loads((self.root / "CMakePresets.json").read_text())["configurePresets"]}


def complaint_about_options(project, script, words):
    for word in words:
        option = re.match(r"--?[a-z][\w-]*", word)
        if option and not re.search(re.escape(option[0]) + r"(?![\w-])", project.help_of(script)):
            return f"{script} has no option {option[0]}"
    return None


def complaint_about_cmake(project, words):
    targets = False
    for before, word in zip(words, words[1:]):
        targets = before == "--target" or (targets and not before.startswith("-"))
        if targets and not word.startswith("-") and word not in project.targets:
            return f"there is no target {word}"
        if before == "--preset" and word not in project.presets:
            return f"there is no preset {word}"
        variable = re.match(r"-D(FLUX_\w+)", word)
        if variable and variable[1] not in project.variables:
            return f"there is no variable {variable[1]}"
    return None


def complaint_about(project, words, made):
    """What is wrong with a command, or None. `made`: programs that commands before it made."""
    while words and re.match(r"sudo$|\w+=", words[0]):
        words = words[1:]
    if not words:
        return None
    for word in words:
        path = re.match(r"FLUX/(.+)", word)
        if path and not (project.root / path[1]).exists():
            return f"there is no {word}"
    name = words[0].removeprefix("./")
    if name in SCRIPTS:
        if not project.has_script(name):
            return f"there is no script {name}"
        return complaint_about_options(project, name, words[1:])
    if name in ("cmake", "ctest"):
        return complaint_about_cmake(project, words)
    if name in COMPILERS and "-o" in words:
        made.add(words[words.index("-o") + 1])
    if name in ("taskset", "time", "valgrind", "heaptrack", "gdb") and any("/" in word for word in words[1:]):
        words = words[[("/" in word) for word in words].index(True):]
        return complaint_about(project, words, made)
    if name in OUTSIDE or name in PLACEHOLDERS or name in made:
        return None
    program = pathlib.PurePath(name).name
    return None if program in project.targets else f"there is no command {words[0]}"


def complaint_about_run(project, block):
    """What a block says that begins with a compiler, when it does not end with 0; run where the top folders are."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("include", "test"):
            (pathlib.Path(folder) / name).symlink_to(project.root / name)
        done = subprocess.run(["sh", "-e", "-c", block], cwd=folder, capture_output=True, text=True, timeout=300)
        return None if done.returncode == 0 else f"ended with {done.returncode}: {done.stderr.strip()[-500:]}"


def is_of_project(span):
    first = span.split()[0].removeprefix("./") if span.split() else ""
    return (" " in span or "/" in first) and first in (*SCRIPTS, "cmake", "ctest")


def complaints_about(text, project):
    shown = [(line, block) for line, language, block in document.blocks(text) if language == "sh"]
    pieces = shown + [(line, span) for line, span in document.spans(text) if is_of_project(span)]
    complaints = []
    for line, piece in pieces:
        made = set()
        commands = commands_of(piece)
        for words in commands:
            what = complaint_about(project, words, made)
            if what:
                complaints.append((line, what))
        if commands and commands[0][0] in COMPILERS and (line, piece) in shown:
            what = complaint_about_run(project, piece)
            if what:
                complaints.append((line, what))
    return complaints


def self_test():
    class Made:
        root = pathlib.Path(__file__).resolve().parent.parent.parent
        targets = {"flux_bench", "flux_bench_full"}
        variables = {"FLUX_CHECKED"}
        presets = {"checked"}

        @staticmethod
        def has_script(path):
            return path == "test/run"

        @staticmethod
        def help_of(_):
            return "--quick  --checked  FLUX_JOBS=N"

    def is_wrong(commands):
        return bool(complaints_about(f"```sh\n{commands}\n```\n", Made))

    assert not is_wrong("FLUX_JOBS=2 ./test/run --quick  # and a remark that is no command")
    assert is_wrong("./test/run --quickly")
    assert is_wrong("./bench/run")
    assert not is_wrong("cmake -B b -DFLUX_CHECKED=ON && cmake --build b --target flux_bench_full flux_bench -j2")
    assert is_wrong("cmake -B b -DFLUX_CHECK=ON")
    assert not is_wrong("python3 FLUX/test/examples/check.py")
    assert is_wrong("python3 FLUX/test/examples/checks.py")
    assert is_wrong("cmake --build b --target flux_bench flux_benches")
    assert is_wrong("cmake --preset unchecked")
    assert not is_wrong("cd b && ./flux_bench > figures | cat")
    assert not is_wrong("sudo apt-get install ./a.deb")
    assert is_wrong("./flux_banch")
    assert is_wrong("sudo ./flux_banch")
    assert is_wrong("valgrind ./flux_banch")
    assert is_wrong("g++ -o a no_such_source.cpp\n./a")
    assert complaints_about("`./test/run --fast`\n", Made) == [(1, "test/run has no option --fast")]
    assert not complaints_about("`./test/run --quick`, `./test/runs`\n", Made)


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    project = Project(*arguments[:2])
    return document.report(arguments[2:], lambda path: complaints_about(path.read_text(), project))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
