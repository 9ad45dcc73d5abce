#!/usr/bin/env python3
"""Prints "PASSED FAILED" for a JUnit file of ctest, and what failed, or was left out and why, on standard error.

A run of flux_test counts its cases, as its last line tells them; any other test counts as one. A run that
fails without naming a failed case (it crashed, or broke at its end) counts one failure more.
"""

import re
import sys
import xml.etree.ElementTree

SUMMARY = re.compile(r"^flux_test: (\d+) passed, (\d+) failed", re.MULTILINE)
TELLING = re.compile(r"error: |ERROR: |WARNING: ThreadSanitizer|SUMMARY|^==\d+== \w|seed \d+|^flux: ")
ENTERING = re.compile(r'Entering test case "(.*)"')
MOST_LINES = 15


def output_of(test):
    return test.findtext("system-out") or ""


def is_skipped(test):
    return test.get("status") in ("notrun", "disabled") and test.find("skipped") is not None


def tally_of(test):
    """The passed and failed cases of one <testcase>."""
    summary = SUMMARY.search(output_of(test))
    passed, failed = (int(summary[1]), int(summary[2])) if summary else (0, 0)
    if test.get("status") == "run":
        return (passed, failed) if summary else (1, 0)
    return (0, 0) if is_skipped(test) else (passed, max(failed, 1))


def telling_lines(output):
    """What an output says of failures, each after the name of its test case, and the case it ended in."""
    lines, case = [], None
    for line in output.splitlines():
        entering = ENTERING.search(line)
        if entering:
            case = f"in {entering[1]}"
        elif TELLING.search(line):
            lines += [case, line] if case else [line]
            case = None
    return lines + [case] if case else lines


def tell(test):
    lines = telling_lines(output_of(test))
    print(f"    failed: {test.get('name')}", *lines[-MOST_LINES:], sep="\n        ", file=sys.stderr)


def tell_left_out(test):
    why = (output_of(test).strip().splitlines() or ["it does not say why"])[-1]
    print(f"    left out: {test.get('name')}: {why.removeprefix('skipped: ')}", file=sys.stderr)


def main(path):
    tests = xml.etree.ElementTree.parse(path).getroot().findall("testcase")
    if not tests:
        sys.exit(f"{path}: no tests")
    tallies = [tally_of(test) for test in tests]
    for test, (_, failed) in zip(tests, tallies):
        if failed:
            tell(test)
        elif is_skipped(test):
            tell_left_out(test)
    print(sum(passed for passed, _ in tallies), sum(failed for _, failed in tallies))


if __name__ == "__main__":
    main(*sys.argv[1:])
