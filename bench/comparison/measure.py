"""Runs the rows, each in a process of its own, allocators interleaved, and keeps the best repetition of each process."""

import json
import os
import re
import subprocess
import sys
import time

from comparison.counts import EVENTS
from comparison.peers import PEERS
from comparison.series import question_of, series_of

MIN_TIME_S = 0.02
REPETITIONS = 5
TIMEOUT_S = 120

# What Google Benchmark appends to a row's name.
_SUFFIX = re.compile(r"/(iterations|repeats|manual_time|real_time|threads|min_time|process_time)\b.*")

# Rows of several threads; the others are pinned to a core. short_threads pins itself.
_OF_THREADS = re.compile(r"scaling|two_threads|short_threads|false_sharing|handover|latency_loaded")

# A row of flux's program that counts where the machine does.
_COUNTED_ROW = "list_fifo_1000/boost"

# Of what Google Benchmark says of a run, what is the same in all of them, or follows from the rest.
_LEFT_OUT = {"family_index", "per_family_instance_index", "run_name", "run_type", "repetitions", "repetition_index",
             "threads", "time_unit"}


class BenchError(Exception):
    """Something that a user can mend."""


def run_program(path, arguments, environment=None, core=None):
    """Standard output of a program; BenchError with its own words when it fails."""
    pin = None if core is None else lambda: os.sched_setaffinity(0, {core})
    try:
        done = subprocess.run([path, *arguments], env={**os.environ, **(environment or {})}, capture_output=True,
                              text=True, check=False, preexec_fn=pin, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{os.path.basename(path)} took longer than {TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise BenchError(f"{os.path.basename(path)} failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def rows_of(path, environment=None):
    """The names of a program's rows, in its order."""
    lines = run_program(path, ["--benchmark_list_tests=true"], environment).splitlines()
    return list(dict.fromkeys(_SUFFIX.sub("", line.strip()) for line in lines if line.strip()))


def run_row(path, row, environment=None, core=None, repetitions=REPETITIONS):
    """One process: what Google Benchmark says of the repetition with the least figure."""
    output = run_program(path, [
        f"--benchmark_filter=^{re.escape(row)}(/|$)", f"--benchmark_min_time={MIN_TIME_S}",
        f"--benchmark_repetitions={repetitions}", "--benchmark_format=json"], environment, core)
    # Of a row that it does not have, Google Benchmark says so in words.
    entries = [entry for entry in json.loads(output)["benchmarks"]
               if entry["run_type"] == "iteration" and _SUFFIX.sub("", entry["name"]) == row] if output[:1] == "{" else []
    if not entries:
        raise BenchError(f"{os.path.basename(path)} has no row {row}")
    for entry in entries:
        if entry.get("error_occurred"):
            raise BenchError(f"{os.path.basename(path)}, {row}: {entry['error_message']}")
    best = min(entries, key=lambda entry: next(iter(series_of(row, entry).values()))[0])
    return {key: value for key, value in best.items() if key not in _LEFT_OUT} | {"name": row}


class Measurement:
    """`benchmarks`: an entry for each process, with the allocator as `peer` and the round as `round`."""

    def __init__(self, build, allocators, pattern, environment=None):
        self.programs = {name: os.path.join(build, PEERS[name].program) for name in allocators}
        self.environment = environment
        wanted = re.compile(pattern)
        self.rows = {name: [row for row in rows_of(path, environment) if wanted.search(row)]
                     for name, path in self.programs.items()}
        self.all_rows = list(dict.fromkeys(row for rows in self.rows.values() for row in rows))
        self.core = max(os.sched_getaffinity(0))
        self.benchmarks = []
        if not self.all_rows:
            raise BenchError(f"no row matches {pattern}")

    def run(self, rounds):
        """All rows, in every round; adds to `benchmarks`."""
        began = time.monotonic()
        for turn in range(rounds):
            for number, row in enumerate(self.all_rows):
                share = (turn + number / len(self.all_rows)) / rounds
                _progress(f"round {turn + 1} of {rounds}, {row}", share, began)
                self._run_row(row, turn)
            _progress(f"round {turn + 1} of {rounds} done", (turn + 1) / rounds, began, ends_line=True)
        self._count()

    def _count(self):
        """Adds what the processor counts, of processes that are not timed, to each row's last entry."""
        try:
            if not self._counts_of("flux", _COUNTED_ROW):
                return  # the machine offers none
        except BenchError as error:  # a program of fewer rows
            print(f"\n{error}: nothing is counted", file=sys.stderr)
            return
        last = {(entry["peer"], entry["name"]): entry for entry in self.benchmarks}
        for (peer, row), entry in last.items():
            try:
                entry.update(self._counts_of(peer, row))
            except BenchError as error:  # the times are there: the others go on
                print(f"\n{error}: not counted", file=sys.stderr)

    def _counts_of(self, peer, row):
        core = None if _OF_THREADS.match(row) else self.core
        entry = run_row(self.programs[peer], row, {**(self.environment or {}), "FLUX_BENCH_COUNT": "1"}, core, 1)
        return {event: entry[event] for event, _ in EVENTS if event in entry}

    def _run_row(self, row, turn):
        core = None if _OF_THREADS.match(row) else self.core
        names = [name for name in self.programs if row in self.rows[name]]
        for name in names if turn % 2 == 0 else reversed(names):
            began = time.monotonic()
            try:
                entry = run_row(self.programs[name], row, self.environment, core)
            except BenchError as error:  # one allocator's row: the others go on
                print(f"\n{error}: left out", file=sys.stderr)
                self.rows[name].remove(row)
                continue
            seconds = round(time.monotonic() - began, 3)
            self.benchmarks.append(
                {"peer": name, "round": turn, "question": question_of(row), "process_s": seconds, **entry})


def _progress(what, share, began, ends_line=False):
    seconds = time.monotonic() - began
    left = f", about {seconds / share - seconds:.0f} s to go" if 0 < share < 1 else ""
    text = f"{what}: {seconds:.0f} s{left}"
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="\n" if ends_line else "", file=sys.stderr, flush=True)
    elif ends_line:
        print(text, file=sys.stderr, flush=True)
