"""What the checks of documents have in common: how Markdown is read, and what is done with complaints."""

import pathlib
import re

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


def blocks(text):
    """The fenced blocks: (line, language, what is in it)."""
    return [(line_at(text, match.start()), match[1], match[2]) for match in FENCE.finditer(text)]


def prose(text):
    """The text without its fenced blocks; lines keep their numbers."""
    return FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)


def spans(text):
    """What stands in backquotes: (line, what)."""
    rest = prose(text)
    return [(line_at(rest, match.start()), match[1]) for match in SPAN.finditer(rest)]


def links(text):
    """Where links lead: (line, target)."""
    rest = prose(text)
    return [(line_at(rest, match.start()), match[1]) for match in LINK.finditer(rest)]


def indented_blocks(text):
    """Lines at which code begins that is only indented, outside of lists."""
    lines = prose(text).split("\n")
    found = []
    is_in_list = False
    for number, line in enumerate(lines, start=1):
        if re.match(r"\s*([-*]|\d+\.) ", line):
            is_in_list = True
        elif re.match(r"\S", line):
            is_in_list = False
        elif re.match(r" {4}\S", line) and not is_in_list and not lines[number - 2].strip():
            found.append(number)
    return found


def anchors(text):
    """The names by which links reach the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def report(documents, complaints_about):
    """Prints what `complaints_about(path)` finds, (line, what), in each document; returns the exit code."""
    failed = False
    for path in map(pathlib.Path, documents):
        for line, what in complaints_about(path):
            print(f"{path}:{line}: {what}")
            failed = True
    return 1 if failed else 0
