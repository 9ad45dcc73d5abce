"""What is told of each row: its figure, and those of its counters that are series of their own."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """`rows`: the rows that answer it, as a pattern of their names. `words`: what it shows, in plain words."""

    key: str
    title: str
    words: str
    rows: str


QUESTIONS = (
    Question("containers", "Containers",
             "Nanoseconds per element of what a container costs: a list built and dropped, first in first out, at "
             "random; maps; several sizes at once.",
             r"list_|map_churn|boost_map|unordered_map|mixed_sizes"),
    Question("scaling", "More threads",
             "Time of one thread per operation while 1, 2, 4 and more threads do the same. With enough cores the line "
             "stays flat.",
             r"scaling_|two_threads|short_threads"),
    Question("sharing", "False sharing",
             "Two threads write to small objects of their own. Above the others: the allocator put them into one "
             "cache line.",
             r"false_sharing"),
    Question("handover", "Made by one thread, freed by another",
             "Time per object from its making in one thread to its freeing in another, and of the freeing alone.",
             r"handover"),
    Question("latency", "The slowest operations",
             "Every single operation timed. Of 4,000,000, the slowest in a hundred, a thousand, ten thousand.",
             r"latency"),
    Question("memory", "Memory",
             "What objects take above their own bytes, what stays at once after a peak (some allocators give back later), "
             "and what grows in time.",
             r"resident_per_node|overhead|growth|left_after_peak|drift"),
    Question("locality", "Where objects lie",
             "How long a list takes to walk after a random 90 % of it was erased and filled again.",
             r"walk"),
    Question("orderbook", "The order book",
             "Messages of order flow through a limit order book: the time of each.",
             r"orderbook"),
    Question("programs", "Small programs",
             "A cache of the least recently used, shortest paths through a grid, an event scheduler with timers.",
             r"lru_cache|graph_search|event_scheduler"),
    Question("published", "Published tables",
             "What other allocators of this kind said of themselves, measured here for all.",
             r"published"),
    Question("faces", "The faces of flux",
             "Each face beside what it stands on.",
             r""),
)


def question_of(row):
    """The key of the question that a row answers."""
    return next(question.key for question in QUESTIONS if re.match(question.rows, row))


# (pattern of rows, counter, what it is called after the row's name, unit); the first that names "" is the row's figure.
_COUNTERS = (
    (r"list_500k_first/(\w+)", "with_clear_ns", "_with_clear", "ns"),
    (r"handover", "free_ns", "_free", "ns"),
    (r"short_threads", "work_ns", "_work", "ns"),
    (r"resident_per_node", "resident_bytes", "", "bytes"),
    (r"overhead", "overhead_percent", "", "%"),
    (r"growth", "growth_percent", "", "%"),
    (r"left_after_peak", "left_mib", "", "MiB"),
    (r"drift", "drift_mib", "", "MiB"),
    (r"orderbook", "message_ns", "", "ns"),
    (r"published_128", "allocate_ns", "_allocate", "ns"),
    (r"published_128", "deallocate_ns", "_deallocate", "ns"),
) + tuple((r"latency|orderbook", f"{quantile}_ns", f"_{quantile}", "ns")
          for quantile in ("p50", "p99", "p99.9", "p99.99", "p99.999", "max"))

# Their figure is one of the counters, their time says nothing.
_NO_TIME = re.compile(r"latency")

USUAL = "ns_per_item"


def series_of(row, entry):
    """{series: (value, unit)} of one run of a row, the row's own figure first. Less is better in all."""
    found = {}
    for pattern, counter, suffix, unit in _COUNTERS:
        if re.match(pattern, row) and counter in entry:
            name, slash, rest = row.partition("/")
            found[f"{name}{suffix}{slash}{rest}"] = (entry[counter], unit)
    if row in found or _NO_TIME.match(row):
        return found
    return {row: (entry[USUAL], "ns"), **found}
