#!/usr/bin/env python3
"""Runs the benchmark programs of a build side by side and ends in a table of ratios.

Every row runs in a process of its own; in every round all allocators take their turn at a row, one after
the other; the least of all rounds counts.
"""

import argparse
import json
import os
import sys
import tempfile

from comparison.measure import (BASICS, MIN_TIME_S, PROGRAMS, REPETITIONS, BenchError, Measurement,
                                orderbook_figures, run_program)
from comparison.provenance import provenance
from comparison.tables import LEGEND, as_page, as_text, summary, table


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    option = parser.add_argument
    option("--build", default="build", metavar="DIR", help="where the programs are (default: build)")
    option("--rounds", type=int, default=6, metavar="N", help="processes per row and allocator (default: 6)")
    option("--rows", default="", metavar="REGEX", help="only rows that match")
    option("--peers", default="", metavar="LIST",
           help=f"these as well, by comma: {', '.join(name for name in PROGRAMS if name not in BASICS)}; "
                "all: those that were built")
    option("--alone", action="store_true", help="without the second, sleeping thread")
    option("--orderbook", metavar="FILE", help="what flux_orderbook --json wrote, instead of a run")
    option("--json", metavar="OUT", help="write the figures")
    option("--markdown", metavar="OUT", help="write a page with provenance")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def chosen_allocators(build, peers):
    """The basics, and the peers that were asked for; BenchError when one of them was not built."""
    built = [name for name, program in PROGRAMS.items() if os.access(os.path.join(build, program), os.X_OK)]
    if peers == "all":
        asked = [name for name in built if name not in BASICS]
    else:
        asked = [name for name in peers.split(",") if name]
    for name in (*BASICS, *asked):
        if name not in built:
            raise BenchError(f"no program for {name} in {build}; built: {', '.join(built) or 'none'}")
    return [*BASICS, *(name for name in asked if name not in BASICS)]


def orderbook_report(build, file, rounds):
    if file:
        with open(file, encoding="utf-8") as report:
            return json.load(report)
    program = os.path.join(build, "flux_orderbook")
    if not os.access(program, os.X_OK):
        return {}
    print("order book", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "orderbook.json")
        run_program(program, ["--json", path, "--runs", str(rounds)])
        return orderbook_report(build, path, rounds)


def method(rounds, alone):
    threads = "In single-threaded processes." if alone else "A second thread sleeps in every process."
    return (
        f"Nanoseconds per item (`resident_per_node`: bytes per node), the least of {rounds} interleaved "
        f"processes per row and allocator, up to {REPETITIONS} repetitions of {MIN_TIME_S:g} s in each. "
        f"{threads} `std`: `std::allocator`; `floor`: a thread-local free list that never gives anything "
        "back and knows no owner; `walk_bound`: the least that `walk_refilled` could be.")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    arguments = parse_arguments()
    allocators = chosen_allocators(arguments.build, arguments.peers)
    measurement = Measurement(arguments.build, allocators, arguments.rows, arguments.alone)
    measurement.run(arguments.rounds)
    figures = measurement.figures
    if arguments.orderbook or not arguments.rows:
        figures |= orderbook_figures(orderbook_report(arguments.build, arguments.orderbook, arguments.rounds))
    origin = provenance(arguments.build, allocators)
    if arguments.json:
        write(arguments.json, json.dumps({"provenance": origin, "figures": figures}, indent=2) + "\n")
    if arguments.markdown:
        how = method(arguments.rounds, arguments.alone)
        write(arguments.markdown, as_page(figures, allocators, origin, how))
    print(as_text(table(figures, allocators)))
    print(summary(figures))
    print(LEGEND)


if __name__ == "__main__":
    try:
        main()
    except (BenchError, OSError) as error:
        sys.exit(f"compare: {error}")
    except KeyboardInterrupt:
        sys.exit("compare: interrupted")
