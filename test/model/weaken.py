#!/usr/bin/env python3
"""Breaks the protocols between flux's threads, one place at a time, and requires that the model notices.

    weaken.py [part of a header's name]

Every order of the covered headers that is not relaxed is made relaxed (acq_rel also acquire and release alone), and a
few operations are broken in other ways. Prints a table: where, what, and which scenarios failed how. Exits with 1 when
a break went unnoticed that is not listed in COVERED_ELSEWHERE, when one that is listed there was noticed, or when a
scenario never failed. Takes some minutes.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "include"
ENGINE = ["main", "Memory", "World"]
FLAGS = ["-std=c++20", "-O1", "-pthread"]
SECONDS = 120

# The headers whose orders are covered, and the scenarios that cover them.
COVERED = {
    "flux/HandlePool.hpp": "handles",
    "flux/BufferPool.hpp": "buffers",
    "flux/detail/handle/BlockDirectory.hpp": "handles",
    "flux/detail/handle/SlotDepot.hpp": "handles",
    "flux/detail/handle/SlotPool.hpp": "handles",
    "flux/detail/heap/ForeignWork.hpp": "foreign_work",
    "flux/detail/heap/HeapList.hpp": "heaps",
    "flux/detail/heap/HeapLock.hpp": "heap_lock",
    "flux/detail/heap/Inbox.hpp": "inbox",
    "flux/detail/heap/ParkedHeaps.hpp": "heaps",
    "flux/detail/heap/ThreadEnd.hpp": "thread_end",
    "flux/detail/heap/ThreadNumber.hpp": "numbers",
}

# Orders without which nothing goes wrong, by header and the text of the line, and why.
COUNTED = ("the head's count makes each of its values unique, so an exchange that succeeds reads the store that an "
           "acquire read before")
COVERED_ELSEWHERE = {
    ("flux/detail/handle/BlockDirectory.hpp",
     "if (free_.compare_exchange_weak(head, pack(number_of(word), head), std::memory_order_acquire,"): COUNTED,
    ("flux/detail/heap/ParkedHeaps.hpp",
     "if (head_.compare_exchange_weak(head, pack(next, head), std::memory_order_acquire,"): COUNTED,
}

# Other breaks: header, what stands there, what is put in its place, the scenarios that must notice.
BREAKS = [  # the exchange in two steps is in Atomic.hpp
    ("flux/HandlePool.hpp", "next = word + detail::kOneGeneration;", "next = word;", "handles"),
    ("flux/HandlePool.hpp", "compare_exchange_strong(expected, detail::with_index(next, detail::kNoSlot),",
     "exchange_if_seen(expected, detail::with_index(next, detail::kNoSlot),", "handles"),
    ("flux/BufferPool.hpp", "of_pool->orphans.fetch_sub(1, std::memory_order_acq_rel) == 1",
     "(of_pool->orphans.store(of_pool->orphans.load() - 1), of_pool->orphans.load() == 0)", "buffers"),
    ("flux/detail/base/Settings.hpp",
     "if (!value_.compare_exchange_strong(before, value, std::memory_order_relaxed)) return before;",
     "value_.store(before = value, std::memory_order_relaxed);", "numbers_by_themselves"),
    ("flux/detail/handle/BlockDirectory.hpp", "((previous >> kBlockBits) + 1)", "(previous >> kBlockBits)",
     "handles"),
    ("flux/detail/heap/Attendance.hpp", "posts_.fetch_add(1, std::memory_order_relaxed) + 1;",
     "posts_.load() + 1; posts_.store(posts);", "numbers_by_themselves"),
    ("flux/detail/heap/ForeignWork.hpp", "while (state < kFork) {", "while (state < 16 * kFork) {",
     "foreign_work"),
    ("flux/detail/heap/HeapList.hpp", "newest.compare_exchange_weak(", "newest.exchange_if_seen(", "heaps"),
    ("flux/detail/heap/HeapLock.hpp", "taken_.compare_exchange_strong(", "taken_.exchange_if_seen(",
     "heap_lock"),
    ("flux/detail/heap/HeapLock.hpp", "taken_.store(Taken::kNot, std::memory_order_release);",
     "taken_.store(Taken::kNot, std::memory_order_relaxed);", "handles"),
    ("flux/detail/heap/HeapLock.hpp", "is_wanted_.store(false,", "is_wanted_.store(true,", "heap_lock"),
    ("flux/detail/heap/Inbox.hpp", "head_.exchange(nullptr, std::memory_order_acquire)",
     "head_.load(std::memory_order_acquire)", "inbox"),
    ("flux/detail/heap/Inbox.hpp", "head_.compare_exchange_weak(", "head_.exchange_if_seen(", "inbox"),
    ("flux/detail/heap/Inbox.hpp", "place.compare_exchange_strong(", "place.exchange_if_seen(", "inbox"),
    ("flux/detail/heap/Inbox.hpp", "      place.store(0, std::memory_order_relaxed);\n", "", "inbox"),
    ("flux/detail/heap/ParkedBytes.hpp", "bytes_.compare_exchange_weak(", "bytes_.exchange_if_seen(",
     "numbers_by_themselves"),
    ("flux/detail/heap/ParkedHeaps.hpp", "((previous + 1) & kCountMask)", "(previous & kCountMask)", "heaps"),
    ("flux/detail/heap/ParkedHeaps.hpp", "      push(busy);", "", "heaps"),
    ("flux/detail/heap/ThreadEnd.hpp", "System::delete_key(made);", "", "thread_end"),
    ("flux/detail/heap/ThreadNumber.hpp", "taken_.fetch_and(~bit_of(number), std::memory_order_release);",
     "taken_.fetch_and(~bit_of(number), std::memory_order_relaxed);", "handles"),
    ("flux/detail/heap/ThreadNumber.hpp", "taken | bit_of(number)", "taken", "numbers"),
    ("flux/detail/slab/RegionMap.hpp", "words_[index / 64].fetch_or(bit(index), std::memory_order_relaxed)",
     "words_[index / 64].store(words_[index / 64] | bit(index))", "numbers_by_themselves"),
]


def orders_of(header):
    """Each order that is not relaxed: (offset, order, what it is made)."""
    text = (INCLUDE / header).read_text()
    for match in re.finditer(r"memory_order_(\w+)", text):
        line_begin = text.rfind("\n", 0, match.start()) + 1
        if "//" in text[line_begin:match.start()] or match[1] == "relaxed":
            continue
        for weaker in ["relaxed"] + (["acquire", "release"] if match[1] in ("acq_rel", "seq_cst") else []):
            yield match.start(1), match[1], weaker


def scenarios_of(name):
    return re.findall(r"^MODEL_SCENARIO\((\w+)", (HERE / "scenarios" / f"{name}.cpp").read_text(), re.M)


class Bench:
    """Where broken copies of headers are compiled with the scenarios."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.compiler = os.environ.get("CXX", "g++")
        for name in ENGINE:
            self.compile(HERE / f"{name}.cpp", name, [])

    def compile(self, source, name, includes):
        subprocess.run([self.compiler, *FLAGS, *includes, "-c", source, "-o", self.folder / f"{name}.o"], check=True)

    def run(self, header, text, scenarios):
        """Which scenarios failed, and how."""
        copy = self.folder / "include" / header
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        try:
            self.compile(HERE / "scenarios" / f"{scenarios}.cpp", "scenarios",
                         [f"-I{HERE / 'stub'}", f"-I{self.folder / 'include'}", f"-I{INCLUDE}"])
        finally:
            copy.unlink()
        program = self.folder / "model"
        objects = [self.folder / f"{name}.o" for name in [*ENGINE, "scenarios"]]
        subprocess.run([self.compiler, *FLAGS, *objects, "-o", program], check=True)
        failures = {}
        for scenario in scenarios_of(scenarios):
            done = subprocess.run([program, scenario], capture_output=True, text=True, timeout=SECONDS, check=False)
            if done.returncode == 1:
                failures[scenario] = re.sub(r"^ *thread \d  \S+ +", "", done.stdout.splitlines()[-1])
            elif done.returncode != 0:
                failures[scenario] = "crashes"
        return failures


def report(header, text, offset, what, failures, reason):
    where = f"{header[len('flux/'):]}:{text.count(chr(10), 0, offset) + 1}"
    print(f"{where:38} {what:40} {'' if failures else 'NOT NOTICED'}", flush=True)
    for scenario, how in failures.items():
        print(f"    {scenario}: {how}", flush=True)
    if reason:
        print(f"    as it must be: {reason}", flush=True)
    return (not failures) == (reason is not None)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    is_good = True
    failed = set()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        for header, scenarios in COVERED.items():
            if wanted not in header:
                continue
            text = (INCLUDE / header).read_text()
            for offset, order, weaker in orders_of(header):
                broken = text[:offset] + weaker + text[offset + len(order):]
                line = text[text.rfind("\n", 0, offset) + 1:text.find("\n", offset)].strip()
                failures = bench.run(header, broken, scenarios)
                failed |= failures.keys()
                is_good &= report(header, text, offset, f"{order} -> {weaker}", failures,
                                  COVERED_ELSEWHERE.get((header, line)))
        for header, before, after, scenarios in BREAKS:
            if wanted not in header:
                continue
            text = (INCLUDE / header).read_text()
            assert text.count(before) == 1, (header, before)
            failures = bench.run(header, text.replace(before, after), scenarios)
            failed |= failures.keys()
            is_good &= report(header, text, text.index(before), before.strip()[:40], failures, None)
    if not wanted:
        names = {*COVERED.values(), *(scenarios for *_, scenarios in BREAKS)}
        for scenario in sorted(name for each in names for name in scenarios_of(each) if name not in failed):
            print(f"never failed: {scenario}")
            is_good = False
    return 0 if is_good else 1


sys.exit(main())
