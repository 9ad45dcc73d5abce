"""Runs the rows, each in a process of its own, allocators interleaved, and keeps the least figure of each."""

import json
import os
import re
import subprocess
import sys
import time

PROGRAMS = {
    "std": "flux_bench_std",
    "flux": "flux_bench",
    "library": "flux_bench_library",
    "floor": "flux_bench_floor",
    "tagged": "flux_bench_tagged",
    "burst": "flux_bench_burst",
    "pmr": "flux_bench_pmr",
    "pmr_pool": "flux_bench_pmr_pool",
    "pmr_new_delete": "flux_bench_pmr_new_delete",
    "mimalloc": "flux_bench_mimalloc",
    "jemalloc": "flux_bench_jemalloc",
    "tcmalloc": "flux_bench_tcmalloc",
}
BASICS = ("std", "flux", "floor")

MIN_TIME_S = 0.02
REPETITIONS = 5

# What Google Benchmark appends to a row's name.
_SUFFIX = re.compile(r"/(iterations|repeats|manual_time|real_time|threads|min_time|process_time)\b.*")

# Rows whose figure is not the time.
_FIGURE = {"resident_per_node": "resident_bytes", "latency": "p9999_ns", "latency_reserved": "p9999_ns"}

# Counters beside a row's figure that are worth a row of their own.
_EXTRA_ROWS = {
    ("list_500k_first/std", "with_clear_ns"): "list_500k_first_with_clear/std",
    ("list_500k_first/boost", "with_clear_ns"): "list_500k_first_with_clear/boost",
} | {(row, f"{what}_ns"): f"{row}_{what}"
     for row in ("latency", "latency_reserved") for what in ("p50", "p99", "p999", "max")}


class BenchError(Exception):
    pass


def run_program(path, arguments, alone=False):
    """Standard output of a program; BenchError with its own words when it fails."""
    environment = dict(os.environ)
    if alone:
        environment["FLUX_BENCH_ALONE"] = "1"
    done = subprocess.run([path, *arguments], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{os.path.basename(path)} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def rows_of(path):
    """The names of a program's rows, in its order."""
    lines = run_program(path, ["--benchmark_list_tests=true"]).splitlines()
    return list(dict.fromkeys(_SUFFIX.sub("", line.strip()) for line in lines if line.strip()))


def measure_row(path, row, alone=False):
    """One process: {row name: least figure of its repetitions}, with the rows that its counters make."""
    output = run_program(path, [
        f"--benchmark_filter=^{row}(/|$)", f"--benchmark_min_time={MIN_TIME_S}",
        f"--benchmark_repetitions={REPETITIONS}", "--benchmark_format=json"], alone)
    figures = {}
    for entry in json.loads(output)["benchmarks"]:
        if entry["run_type"] != "iteration" or _SUFFIX.sub("", entry["name"]) != row:
            continue
        keep_least(figures, row, entry[_FIGURE.get(row, "ns_per_item")])
        for (of_row, counter), extra in _EXTRA_ROWS.items():
            if of_row == row:
                keep_least(figures, extra, entry[counter])
    if not figures:
        raise BenchError(f"{os.path.basename(path)} has no row {row}")
    return figures


def keep_least(figures, key, value):
    figures[key] = min(value, figures.get(key, value))


class Measurement:
    """`figures[row][allocator]`: the least of all rounds. Rows appear in the order of the programs."""

    def __init__(self, build, allocators, pattern, alone):
        self.programs = {name: os.path.join(build, PROGRAMS[name]) for name in allocators}
        self.alone = alone
        wanted = re.compile(pattern)
        self.rows = {name: [row for row in rows_of(path) if wanted.search(row)]
                     for name, path in self.programs.items()}
        self.all_rows = list(dict.fromkeys(row for rows in self.rows.values() for row in rows))
        self.figures = {}
        if not self.all_rows:
            raise BenchError(f"no row matches {pattern}")

    def run(self, rounds):
        began = time.monotonic()
        for turn in range(rounds):
            for number, row in enumerate(self.all_rows):
                share = (turn + number / len(self.all_rows)) / rounds
                self._progress(f"round {turn + 1} of {rounds}, {row}", share, began)
                self._measure(row, turn)
            self._progress(f"round {turn + 1} of {rounds} done", (turn + 1) / rounds, began, ends_line=True)

    def _measure(self, row, turn):
        names = [name for name in self.programs if row in self.rows[name]]
        for name in names if turn % 2 == 0 else reversed(names):
            for key, value in measure_row(self.programs[name], row, self.alone).items():
                keep_least(self.figures.setdefault(key, {}), name, value)

    @staticmethod
    def _progress(what, share, began, ends_line=False):
        seconds = time.monotonic() - began
        left = f", about {seconds / share - seconds:.0f} s to go" if 0 < share < 1 else ""
        text = f"{what}: {seconds:.0f} s{left}"
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="\n" if ends_line else "", file=sys.stderr, flush=True)
        elif ends_line:
            print(text, file=sys.stderr, flush=True)


def orderbook_figures(report):
    """The rows of a `flux_orderbook --json` report: nanoseconds per message."""
    figures = {}
    for phase in ("first", "warm"):
        if report.get(phase):
            cell = report[phase]["ns_per_message"]
            figures[f"orderbook_{phase}"] = {"std": cell["std"], "flux": cell["flux"]}
    return figures
