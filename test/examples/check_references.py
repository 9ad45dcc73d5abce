#!/usr/bin/env python3
"""Rejects a document that names what is not there.

Looks at links to files of the project and to headings in them, at paths in backquotes that begin at the project's top, and
at names that begin with FLUX_, each of which has to stand in a source, a script or a build file.

    check_references.py PROJECT_DIR DOCUMENT...
    check_references.py --self-test    proves on made-up texts that the check can fail
"""

import pathlib
import re
import sys

import document

FOLDERS = ("include", "test", "bench", "cmake", ".ci")
PATH = re.compile(r"(?:\./)?((?:" + "|".join(re.escape(folder) for folder in FOLDERS) + r")/[\w./+-]+)$")
NAME = re.compile(r"\bFLUX_[A-Za-z_]+\b(?!\*)")


def names_of(project):
    """All names that begin with FLUX_ in what is not a document."""
    names = set()
    for folder in (*FOLDERS, "CMakeLists.txt", "CMakePresets.json"):
        root = project / folder
        for path in [root] if root.is_file() else root.rglob("*"):
            if path.is_file() and (path.suffix not in (".md", ".json", ".svg") or path == root):
                names.update(NAME.findall(path.read_text(errors="ignore")))
    return names


def complaints_about(text, folder, project, names):
    complaints = []
    for line, target in document.links(text):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = folder / file if file else None
        if path is not None and not path.exists():
            complaints.append((line, f"the link leads to {target}: no such file"))
            continue
        its_text = text if path is None else path.read_text() if path.suffix == ".md" else ""
        if anchor and anchor not in document.anchors(its_text):
            complaints.append((line, f"the link leads to {target}: no such heading"))
    for line, span in document.spans(text):
        path = PATH.match(span)
        if path and not (project / path[1]).exists():
            complaints.append((line, f"no such file: {span}"))
    for number, line in enumerate(text.split("\n"), start=1):
        for name in NAME.findall(line):
            if name not in names:
                complaints.append((number, f"{name} stands in no source, script or build file"))
    return complaints


def self_test():
    here = pathlib.Path(__file__).resolve().parent
    project = here.parent.parent
    names = {"FLUX_CHECKED"}

    def is_wrong(text):
        return bool(complaints_about(text, here, project, names))

    assert not is_wrong("[this](check_references.py), [that](https://example.org), `test/examples`, FLUX_CHECKED\n")
    assert is_wrong("[this](check_reference.py)\n")
    assert not is_wrong("# A heading: its name\n[above](#a-heading-its-name)\n")
    assert is_wrong("# A heading\n[above](#another-heading)\n")
    assert is_wrong("`test/example`\n")
    assert is_wrong("FLUX_CHECK\n")
    assert "FLUX_CHECKED" in names_of(project)


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    project = pathlib.Path(arguments[0])
    names = names_of(project)
    return document.report(arguments[1:], lambda path: complaints_about(path.read_text(), path.parent, project, names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
