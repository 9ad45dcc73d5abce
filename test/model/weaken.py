#!/usr/bin/env python3
"""Breaks the protocols between flux's threads, one place at a time, and requires that the model notices.

    weaken.py [part of a header's name]

Every order of the covered headers that is not relaxed is made relaxed (acq_rel also acquire and release alone), and a
few operations are broken in other ways. Prints a table: where, what, and which scenario failed how. Exits with 1 when
a break went unnoticed that is not listed in COVERED_ELSEWHERE, or when one that is listed there was noticed.
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
COVERED_ELSEWHERE = {
}

# Other breaks: header, what stands there, what is put in its place, the scenarios that must notice.
BREAKS = [
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
    ("flux/detail/heap/HeapLock.hpp", "is_wanted_.store(false,", "is_wanted_.store(true,", "heap_lock"),
    ("flux/detail/heap/Inbox.hpp", "head_.exchange(nullptr, std::memory_order_acquire)",
     "head_.load(std::memory_order_acquire)", "inbox"),
    ("flux/detail/heap/Inbox.hpp", "head_.compare_exchange_weak(", "head_.exchange_if_seen(", "inbox"),
    ("flux/detail/heap/ParkedBytes.hpp", "bytes_.compare_exchange_weak(", "bytes_.exchange_if_seen(",
     "numbers_by_themselves"),
    ("flux/detail/heap/ParkedHeaps.hpp", "((previous + 1) & kCountMask)", "(previous & kCountMask)", "heaps"),
    ("flux/detail/heap/ParkedHeaps.hpp", "      push(busy);", "", "heaps"),
    ("flux/detail/heap/ThreadEnd.hpp", "::pthread_key_delete(made);", "", "thread_end"),
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
        """Which scenario failed and how, or None."""
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
        done = subprocess.run([program], capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode == 0:
            return None
        lines = done.stdout.splitlines()
        # A scenario's line begins at the margin, and ends with its figures unless it failed.
        scenario = [line.split()[0] for line in lines if line[:1].strip()][-1]
        how = re.sub(r"^ *thread \d  \S+ +", "", lines[-1]) if done.returncode == 1 else "crashes"
        return f"{scenario}: {how}"


def report(header, text, offset, what, found, reason):
    line = text.count("\n", 0, offset) + 1
    print(f"{header[len('flux/'):]}:{line}  {what:40}  {found or 'NOT NOTICED'}", flush=True)
    if reason:
        print(f"    {reason}", flush=True)
    return (found is None) == (reason is not None)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(folder)
        for header, scenarios in COVERED.items():
            if wanted not in header:
                continue
            text = (INCLUDE / header).read_text()
            for offset, order, weaker in orders_of(header):
                broken = text[:offset] + weaker + text[offset + len(order):]
                line = text[text.rfind("\n", 0, offset) + 1:text.find("\n", offset)].strip()
                found = bench.run(header, broken, scenarios)
                is_good &= report(header, text, offset, f"{order} -> {weaker}", found,
                                  COVERED_ELSEWHERE.get((header, line)))
        for header, before, after, scenarios in BREAKS:
            if wanted not in header:
                continue
            text = (INCLUDE / header).read_text()
            assert text.count(before) == 1, (header, before)
            found = bench.run(header, text.replace(before, after), scenarios)
            is_good &= report(header, text, text.index(before), before.strip()[:40], found, None)
    return 0 if is_good else 1


sys.exit(main())
