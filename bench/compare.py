#!/usr/bin/env python3
"""Runs the benchmark programs of a build side by side and ends in a table of ratios, and a page.

Every row runs in a process of its own; in every round all allocators take their turn at a row, one after
the other; the least of all rounds counts.
"""

import argparse
import json
import os
import sys

from comparison.counts import offered
from comparison.measure import MIN_TIME_S, REPETITIONS, BenchError, Measurement
from comparison.peers import BASICS, PEERS, RIVALS, built
from comparison.provenance import provenance
from comparison.samples import Samples
from comparison.tables import LEGEND, as_page, as_text, short_table, summary


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    option = parser.add_argument
    option("--build", default="build", metavar="DIR", help="where the programs are (default: build)")
    option("--rounds", type=int, default=7, metavar="N", help="processes per row and allocator (default: 7)")
    option("--rows", default="", metavar="REGEX", help="only rows that match")
    option("--peers", default="", metavar="LIST",
           help=f"these as well, by comma: {', '.join(name for name in PEERS if name not in BASICS)}; "
                "all: every one that is not flux and was built")
    option("--messages", metavar="FILE", help="a LOBSTER message file for the order book, besides the generated flow")
    option("--alone", action="store_true", help="without the second, sleeping thread")
    option("--from", dest="source", metavar="JSON", help="tell of what an earlier run wrote, instead of a run")
    option("--json", metavar="OUT", help="write the figures, in the form of Google Benchmark's")
    option("--markdown", metavar="OUT", help="write a page with provenance for bench/results")
    option("--html", metavar="OUT", help="write a page with pictures (needs python3-matplotlib)")
    option("--pictures", metavar="FOLDER", help="write the README's pictures there (needs python3-matplotlib)")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def chosen_allocators(build, peers):
    """The basics, and the peers that were asked for; BenchError when one of them was not built."""
    there = built(build)
    asked = [name for name in RIVALS if name in there] if peers == "all" else [n for n in peers.split(",") if n]
    for name in (*BASICS, *asked):
        if name not in there:
            raise BenchError(f"no program for {name} in {build}; built: {', '.join(there) or 'none'} (cmake --build "
                             f"{build}, with --target flux_bench_full for all)")
    return [*BASICS, *(name for name in asked if name not in BASICS)]


def method(arguments):
    threads = "In single-threaded processes." if arguments.alone else "A second thread sleeps in every process."
    return (
        f"The least of {arguments.rounds} interleaved processes per row and allocator, up to {REPETITIONS} repetitions "
        f"of {MIN_TIME_S:g} s in each; rows of one thread pinned to a core. Nanoseconds per item unless the row says "
        f"otherwise. {threads} `std`: `std::allocator`; `floor`: a thread-local free list that never gives anything "
        "back and knows no owner; `walk_refilled_bound`: the least that `walk_refilled` could be.")


def run(arguments):
    """What Google Benchmark writes: {"context": ..., "benchmarks": [...]}."""
    allocators = chosen_allocators(arguments.build, arguments.peers)
    environment = {}
    if arguments.alone:
        environment["FLUX_BENCH_ALONE"] = "1"
    if arguments.messages:
        environment["FLUX_BENCH_MESSAGES"] = os.path.abspath(arguments.messages)
    origin = provenance(arguments.build, allocators)
    if arguments.messages:
        origin["recorded flow"] = os.path.basename(arguments.messages)
    measurement = Measurement(arguments.build, allocators, arguments.rows, environment)
    context = {"provenance": origin, "method": method(arguments), "allocators": allocators}
    results = {"context": context, "benchmarks": measurement.benchmarks}
    try:
        measurement.run(arguments.rounds)
    finally:  # also of a run that was broken off
        origin["counted beside the times"] = offered(measurement.benchmarks)
        if arguments.json:
            write(arguments.json, as_json(results))
    return results


def read(path):
    """What an earlier run wrote; BenchError when it is anything else."""
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        if results["context"]["allocators"] and results["benchmarks"]:
            return results
    except (ValueError, KeyError, TypeError):
        pass
    raise BenchError(f"{path}: not what compare.py --json writes")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def as_json(results):
    """One process a line."""
    lines = ",\n".join(json.dumps(entry) for entry in results["benchmarks"])
    return f'{{"context": {json.dumps(results["context"], indent=1)},\n"benchmarks": [\n{lines}\n]}}\n'


def main():
    arguments = parse_arguments()
    if arguments.html or arguments.pictures:
        try:
            from comparison import page  # before the work: only pictures need matplotlib
        except ImportError as error:
            raise BenchError(f"--html and --pictures need python3-matplotlib: {error}") from error
    results = read(arguments.source) if arguments.source else run(arguments)
    context = results["context"]
    samples = Samples(results["benchmarks"])
    leasts = samples.leasts()
    if arguments.markdown:
        method = " ".join(filter(None, (context["method"], samples.left_out())))
        write(arguments.markdown, as_page(leasts, context["allocators"], context["provenance"], method))
    print(as_text(short_table(leasts, samples.units)))
    print(summary(leasts))
    print(LEGEND)
    if samples.left_out():
        print(samples.left_out())
    if samples.noise() > 0.1:
        print(f"Too noisy to tell small differences: medians are {samples.noise():.0%} above the leasts.")
    if arguments.html:
        page.write_page(arguments.html, context, samples, results["benchmarks"])
        print(f"The page: {os.path.abspath(arguments.html)}")
    if arguments.pictures:
        page.write_pictures(arguments.pictures, context, samples, results["benchmarks"])


if __name__ == "__main__":
    try:
        main()
    except (BenchError, OSError) as error:
        sys.exit(f"compare: {error}")
    except KeyboardInterrupt:
        sys.exit("compare: interrupted")
